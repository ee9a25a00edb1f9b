package mailtmpl

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// Preview is the subject and the HTML of a mail that is sent at now, without the message around them. Errors as Render.
func (r *Renderer) Preview(mail deltag.MailContext, now time.Time) (subject, html string, err error) {
	c, err := r.newContent(mail, now)
	if err == nil {
		html, err = c.html()
	}
	if err != nil {
		return "", "", fmt.Errorf("preview of %s: %w", mail.Kind, err)
	}
	return headerText(c.Subject), html, nil
}

// Styles are the style sheet and the style attributes of all mails. They are the layout's own, and hold nothing that
// somebody typed.
var Styles = sync.OnceValue(func() []string {
	pattern := regexp.MustCompile(`(?s)<style>(.*?)</style>|\bstyle="([^"]*)"`)
	var all []string
	for _, match := range pattern.FindAllStringSubmatch(compactLayout(), -1) {
		all = append(all, match[1]+match[2]) // one of them
	}
	slices.Sort(all)
	return slices.Compact(all)
})
