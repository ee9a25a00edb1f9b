package mailtmpl

import (
	"regexp"
	"strings"
	"sync"

	"deltag/internal/deltag"
)

// A paragraph is lines of spans.
type paragraph [][]span

// A span is text, or a link if it has a URL.
type span = deltag.TextSpan

// placeholderPattern finds what is replaced in the organiser's own words.
var placeholderPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{(?:name|title|when|link)\}`)
})

// substitute is what a placeholder becomes.
func (c renderContext) substitute(placeholder string) span {
	switch placeholder {
	case "{name}":
		return span{Text: singleLine(c.Registration.Name)}
	case "{title}":
		return span{Text: singleLine(c.Event.Title)}
	case "{when}":
		return span{Text: c.words.EventTime(c.Event)}
	case "{link}":
		if to := c.callToAction(); to.URL != "" {
			return span{Text: to.Label, URL: to.URL}
		}
		if !c.hasPersonalLinks() {
			return span{Text: c.text("mail.action.registration")}
		}
		return span{Text: c.text("mail.action.registration"), URL: c.links.Manage}
	}
	return span{}
}

// paragraphs parses the organiser's text in one pass, so that placeholders and addresses in what was substituted stay as
// they are.
func paragraphs(text string, substitute func(placeholder string) span) []paragraph {
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

func spans(line string, substitute func(placeholder string) span) []span {
	var all []span
	at := 0
	for _, match := range placeholderPattern().FindAllStringIndex(line, -1) {
		all = append(all, deltag.SplitLinks(line[at:match[0]])...)
		all = append(all, substitute(line[match[0]:match[1]]))
		at = match[1]
	}
	return append(all, deltag.SplitLinks(line[at:])...)
}
