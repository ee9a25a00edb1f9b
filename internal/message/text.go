package message

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// width is what a line of text may have, in characters, so that it still fits when quoted in an answer (RFC 3676
// 4.2 says 78 at most). A URL is never broken.
const width = 72

// text is the note for reading without HTML.
func (n note) text() string {
	var t page
	t.say(n.Heading)
	if n.Greeting != "" {
		t.say(n.Greeting)
	}
	if n.OwnFirst {
		t.own(n.Own)
	}
	for _, p := range n.Lead {
		t.say(p)
	}
	t.block(n.Title, n.When, n.Say("mail.online")+" · "+n.Organiser)
	t.link("", n.Action, n)
	t.link(n.Manage.Text, n.Manage.link, n)
	if !n.OwnFirst && len(n.Own) > 0 {
		t.say(n.Say("mail.from", "organiser", n.Organiser) + ":")
		t.own(n.Own)
	}
	if len(n.Answers) > 0 {
		t.say(n.Say("mail.answers") + ":")
		for _, a := range n.Answers {
			t.block(a.Question, a.Given)
		}
	}
	t.WriteString("-- \n") // what follows is left out of answers (RFC 3676 4.3)
	t.say(strings.Join(n.Foot, " "))
	if n.Data.URL != "" && !slices.Contains(t.shown, n.Data.URL) {
		t.link("", n.Data, n)
	}
	if n.Unsubscribe != "" {
		t.link(n.Say("mail.unsubscribe.text"), link{n.Say("mail.unsubscribe.link"), n.Unsubscribe}, n)
	}
	return strings.TrimRight(t.String(), "\n") + "\n"
}

// A page of text grows by paragraphs.
type page struct {
	strings.Builder
	shown []string // URLs, each of which is written out once
}

func (t *page) say(s string) { t.WriteString(wrap(s, "") + "\n\n") }

// block is lines that belong together.
func (t *page) block(lines ...string) {
	for _, l := range lines {
		t.WriteString(wrap(l, "  ") + "\n")
	}
	t.WriteString("\n")
}

func (t *page) own(ps []paragraph) {
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
func (t *page) link(question string, to link, n note) {
	if to.URL == "" {
		return
	}
	if slices.Contains(t.shown, to.URL) {
		t.say(strings.TrimSpace(question+" "+to.Label) + " (" + n.Say("mail.same") + ").")
		return
	}
	t.shown = append(t.shown, to.URL)
	t.say(strings.TrimSpace(question+" "+to.Label) + ":\n" + to.URL)
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
