package mailtmpl

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"deltag/internal/i18n"
)

// width is the longest line, in characters: it still fits when quoted in a reply (RFC 3676, section 4.2, says 78 at
// most). A URL is never broken.
const width = 72

// text is the plain-text part, written for reading.
func (c content) text() string {
	var t textWriter
	t.text(c.Heading)
	if c.Greeting != "" {
		t.text(c.Greeting)
	}
	if c.CustomTextFirst {
		t.customText(c.CustomText)
	}
	for _, p := range c.Lead {
		t.text(p)
	}
	if c.Title != "" {
		t.block(c.Title, c.When, c.Text("mail.online")+" · "+c.Organiser)
	}
	t.link("", c.CallToAction, c.Catalog)
	t.link(c.Manage.Text, c.Manage.link, c.Catalog)
	if !c.CustomTextFirst && len(c.CustomText) > 0 {
		t.text(c.Text("mail.organiser-intro", "organiser", c.Organiser) + ":")
		t.customText(c.CustomText)
	}
	t.WriteString("-- \n") // mail programs leave what follows out of replies (RFC 3676, section 4.3)
	t.text(strings.Join(c.Footer, " "))
	if c.Data.URL != c.CallToAction.URL && c.Data.URL != c.Manage.URL { // else it has been explained
		t.link("", c.Data, c.Catalog)
	}
	if c.Unsubscribe != "" {
		t.link(c.Text("mail.unsubscribe.text"), link{c.Text("mail.unsubscribe.link"), c.Unsubscribe}, c.Catalog)
	}
	return strings.TrimRight(t.String(), "\n") + "\n"
}

// A textWriter gathers the paragraphs of a plain text.
type textWriter struct {
	strings.Builder
	shownURLs []string // each URL is written out once
}

func (t *textWriter) text(s string) { t.WriteString(wrap(s, "") + "\n\n") }

// block writes indented lines that belong together.
func (t *textWriter) block(lines ...string) {
	for _, line := range lines {
		t.WriteString(wrap(line, "  ") + "\n")
	}
	t.WriteString("\n")
}

func (t *textWriter) customText(ps []paragraph) {
	for _, p := range ps {
		for _, line := range p {
			var b strings.Builder
			for _, s := range line {
				if s.URL == "" || s.URL == "mailto:"+s.Text {
					b.WriteString(s.Text)
					continue
				}
				b.WriteString(s.URL)
				t.shownURLs = append(t.shownURLs, s.URL)
			}
			t.WriteString(wrap(b.String(), "") + "\n")
		}
		t.WriteString("\n")
	}
}

// link writes a URL on a line of its own, where every mail program recognises it whole.
func (t *textWriter) link(question string, to link, words *i18n.Catalog) {
	if to.URL == "" {
		return
	}
	if slices.Contains(t.shownURLs, to.URL) {
		t.text(strings.TrimSpace(question+" "+to.Label) + " (" + words.Text("mail.same-link") + ").")
		return
	}
	t.shownURLs = append(t.shownURLs, to.URL)
	t.text(strings.TrimSpace(question+" "+to.Label) + ":\n" + to.URL)
}

// wrap breaks each line of s at spaces, but not at non-breaking ones ("kl.\u00a014.00"), and indents all lines.
func wrap(s, indent string) string {
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(indent)
		at := len(indent)
		for j, word := range strings.FieldsFunc(line, isBreakable) {
			n := utf8.RuneCountInString(word)
			switch {
			case j == 0:
			case at+1+n > width:
				b.WriteString("\n" + indent)
				at = len(indent)
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
	}
	return b.String()
}

func isBreakable(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' }
