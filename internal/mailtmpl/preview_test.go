package mailtmpl_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/mailtmpl"
)

// TestPreview: what is shown is what is sent, and its styles are those that a page's policy can allow.
func TestPreview(t *testing.T) {
	styles := mailtmpl.Styles()
	used := regexp.MustCompile(`(?s)<style>(.*?)</style>|\bstyle="([^"]*)"`)
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		subject, html, err := renderer.Preview(s.MailContext, s.at)
		if err != nil || subject != r.decoded(t, "Subject") {
			t.Errorf("subject %q, %v", subject, err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(r.html, "\r\n", "\n"), html); diff != "" {
			t.Errorf("(-sent +shown)\n%s", diff)
		}
		for _, match := range used.FindAllStringSubmatch(html, -1) {
			if style := match[1] + match[2]; !slices.Contains(styles, style) {
				t.Errorf("unknown style %q", style)
			}
		}
	})
}
