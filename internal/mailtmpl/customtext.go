package mailtmpl

import (
	"strings"

	"deltag/internal/deltag"
)

// A paragraph is lines of spans.
type paragraph [][]span

// A span is text, or a link if it has a URL.
type span = deltag.TextSpan

// substitute is what a placeholder becomes.
func (c renderContext) substitute(p deltag.Placeholder) span {
	switch p {
	case deltag.PlaceholderName:
		return span{Text: singleLine(c.Registration.Name)}
	case deltag.PlaceholderTitle:
		return span{Text: singleLine(c.Event.Title)}
	case deltag.PlaceholderWhen:
		return span{Text: c.words.EventTime(c.Event)}
	case deltag.PlaceholderLink:
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
func paragraphs(text string, substitute func(deltag.Placeholder) span) []paragraph {
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

func spans(line string, substitute func(deltag.Placeholder) span) []span {
	var all []span
	deltag.ReplacePlaceholders(line,
		func(text string) { all = append(all, deltag.SplitLinks(text)...) },
		func(p deltag.Placeholder) { all = append(all, substitute(p)) })
	return all
}
