package deltag

import (
	"regexp"
	"strings"
	"sync"
)

// A Placeholder stands in braces in an organiser's text, and becomes something of the recipient or the event in a mail.
type Placeholder string

const (
	PlaceholderName  Placeholder = "name"
	PlaceholderTitle Placeholder = "title"
	PlaceholderWhen  Placeholder = "when" // the event's time
	PlaceholderLink  Placeholder = "link" // to the recipient's own page, or what it needs most
)

// placeholderNames are what organisers may write, in any text: many write Danish and English ones.
var placeholderNames = map[string]Placeholder{
	"name": PlaceholderName, "title": PlaceholderTitle, "when": PlaceholderWhen, "link": PlaceholderLink,
	"navn": PlaceholderName, "titel": PlaceholderTitle, "tidspunkt": PlaceholderWhen,
}

// placeholderPattern finds a word in braces. Other braces are text.
var placeholderPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\p{L}+\}`) })

// ReplacePlaceholders calls text and replace with the parts of s in their order: what stands between the placeholders, which
// may be empty, and the placeholders. A word in braces that is none is text.
func ReplacePlaceholders(s string, text func(string), replace func(Placeholder)) {
	at := 0
	for _, match := range placeholderPattern().FindAllStringIndex(s, -1) {
		p, known := placeholderOf(s[match[0]:match[1]])
		if !known {
			continue
		}
		text(s[at:match[0]])
		replace(p)
		at = match[1]
	}
	text(s[at:])
}

// HasPlaceholder says whether p stands in s.
func HasPlaceholder(s string, p Placeholder) (found bool) {
	ReplacePlaceholders(s, func(string) {}, func(other Placeholder) { found = found || other == p })
	return found
}

func placeholderOf(inBraces string) (Placeholder, bool) {
	p, known := placeholderNames[strings.ToLower(strings.Trim(inBraces, "{}"))]
	return p, known
}

// checkPlaceholders refuses the first word in braces of an organiser's text that is no placeholder: it is mistyped, and
// people would read it as it stands.
func (v *validator) checkPlaceholders(field, s string) {
	for _, word := range placeholderPattern().FindAllString(s, -1) {
		if _, known := placeholderOf(word); !known {
			*v = append(*v, FieldError{Field: field, Code: "unknown-placeholder", Value: word})
			return
		}
	}
}

// CheckPlaceholders is ValidationErrors for those of e's mail texts that before does not have and that have a mistyped
// placeholder. A text of before may be older than the check, and is no fault of an edit of something else.
func (e Event) CheckPlaceholders(before Event) ValidationErrors {
	var v validator
	for _, k := range e.MailTextKinds() {
		if text := e.MailText(k); text != before.MailText(k) {
			v.checkPlaceholders(MailTextField(k), text)
		}
	}
	return ValidationErrors(v)
}
