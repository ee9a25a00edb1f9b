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

// mailTemplate once, by the first mail: a function that sends none does not pay for it.
var mailTemplate = sync.OnceValues(func() (*template.Template, error) {
	lines := strings.Split(layout, "\n")
	for i, l := range lines { // the indentation is for its editors
		lines[i] = strings.TrimSpace(l)
	}
	return template.New("mail").Parse(strings.Join(lines, "\n"))
})

func (n content) html() (string, error) {
	t, err := mailTemplate()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, n); err != nil {
		return "", fmt.Errorf("html: %w", err)
	}
	return b.String(), nil
}
