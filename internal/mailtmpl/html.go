package mailtmpl

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
)

//go:embed layout.html
var layout string

// mailTemplate is parsed for the first mail: a function that sends none does not pay for it.
var mailTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("mail").Parse(compactLayout())
})

// compactLayout is the layout without its indentation, which is only for readers of the file.
func compactLayout() string {
	lines := strings.Split(layout, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

func (c content) html() (string, error) {
	t, err := mailTemplate()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, c); err != nil {
		return "", fmt.Errorf("html: %w", err)
	}
	return b.String(), nil
}
