package mailtmpl

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// width is what a line of text may have, in characters, so that it still fits when quoted in an answer (RFC 3676
// 4.2 says 78 at most). A URL is never broken.
const width = 72

// text is the note for reading without HTML.
func (n content) text() string {
	var t textWriter
	t.text(n.Heading)
	if n.Greeting != "" {
		t.text(n.Greeting)
	}
	if n.CustomTextFirst {
		t.customText(n.CustomText)
	}
	for _, p := range n.Lead {
		t.text(p)
	}
	t.block(n.Title, n.When, n.Text("mail.online")+" · "+n.Organiser)
	t.link("", n.CallToAction, n)
	t.link(n.Manage.Text, n.Manage.link, n)
	if !n.CustomTextFirst && len(n.CustomText) > 0 {
		t.text(n.Text("mail.organiser-intro", "organiser", n.Organiser) + ":")
		t.customText(n.CustomText)
	}
	if len(n.Answers) > 0 {
		t.text(n.Text("mail.answers") + ":")
		for _, a := range n.Answers {
			t.block(a.Question, a.Answer)
		}
	}
	t.WriteString("-- \n") // what follows is left out of answers (RFC 3676 4.3)
	t.text(strings.Join(n.Footer, " "))
	if n.Data.URL != "" && !slices.Contains(t.shownURLs, n.Data.URL) {
		t.link("", n.Data, n)
	}
	if n.Unsubscribe != "" {
		t.link(n.Text("mail.unsubscribe.text"), link{n.Text("mail.unsubscribe.link"), n.Unsubscribe}, n)
	}
	return strings.TrimRight(t.String(), "\n") + "\n"
}

// A textWriter of text grows by paragraphs.
type textWriter struct {
	strings.Builder
	shownURLs []string // URLs, each of which is written out once
}

func (t *textWriter) text(s string) { t.WriteString(wrap(s, "") + "\n\n") }

// block is lines that belong together.
func (t *textWriter) block(lines ...string) {
	for _, l := range lines {
		t.WriteString(wrap(l, "  ") + "\n")
	}
	t.WriteString("\n")
}

func (t *textWriter) customText(ps []paragraph) {
	for _, p := range ps {
		for _, l := range p {
			var b strings.Builder
			for _, s := range l {
				if s.URL != "" {
					b.WriteString(s.URL)
				} else {
					b.WriteString(s.Text)
				}
			}
			t.WriteString(wrap(b.String(), "") + "\n")
		}
		t.WriteString("\n")
	}
}

// link writes an address on a line of its own, where every reader finds it whole.
func (t *textWriter) link(question string, to link, n content) {
	if to.URL == "" {
		return
	}
	if slices.Contains(t.shownURLs, to.URL) {
		t.text(strings.TrimSpace(question+" "+to.Label) + " (" + n.Text("mail.same-link") + ").")
		return
	}
	t.shownURLs = append(t.shownURLs, to.URL)
	t.text(strings.TrimSpace(question+" "+to.Label) + ":\n" + to.URL)
}

// wrap breaks each line of s at spaces, and indents them all.
func wrap(s, indent string) string {
	var b strings.Builder
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(indent)
		at := len(indent)
		for j, word := range strings.Fields(l) {
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
