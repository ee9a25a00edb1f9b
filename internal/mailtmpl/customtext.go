package mailtmpl

import (
	"regexp"
	"strings"
	"sync"
)

// A paragraph is lines of spans.
type paragraph [][]span

// A span is text, or a link if it has a URL.
type span struct{ Text, URL string }

// customTextPattern finds what is replaced in the organiser's own words: four placeholders, and addresses of pages.
var customTextPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{(?:name|title|when|link)\}|https?://[^\s<>"{}]+`)
})

// substitute is what a match of customTextPattern becomes.
func (c renderContext) substitute(match string) span {
	switch match {
	case "{name}":
		return span{Text: singleLine(c.Registration.Name)}
	case "{title}":
		return span{Text: singleLine(c.Event.Title)}
	case "{when}":
		return span{Text: c.words.EventTime(c.Event)}
	case "{link}":
		if to := c.callToAction(); to.URL != "" {
			return span{to.Label, to.URL}
		}
		if !c.hasPersonalLinks() {
			return span{Text: c.text("mail.action.registration")}
		}
		return span{c.text("mail.action.registration"), c.links.Manage}
	}
	return span{match, match}
}

// paragraphs parses the organiser's text in one pass, so that placeholders in what was substituted stay as they are.
func paragraphs(text string, substitute func(match string) span) []paragraph {
	var all []paragraph
	var p paragraph
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if line = singleLine(line); line != "" {
			p = append(p, spans(line, substitute))
		} else if p != nil {
			all, p = append(all, p), nil
		}
	}
	if p != nil {
		all = append(all, p)
	}
	return all
}

func spans(line string, substitute func(match string) span) []span {
	var all []span
	at := 0
	for _, match := range customTextPattern().FindAllStringIndex(line, -1) {
		from, to := match[0], match[1]
		if line[from] != '{' { // the sentence's punctuation is not part of the address
			to = from + len(strings.TrimRight(line[from:to], ".,;:!?)»”'*"))
		}
		all = append(all, span{Text: line[at:from]}, substitute(line[from:to]))
		at = to
	}
	return append(all, span{Text: line[at:]})
}
