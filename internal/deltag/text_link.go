package deltag

import (
	"regexp"
	"strings"
	"sync"
)

// A TextSpan is a piece of a text, or a link if it has a URL.
type TextSpan struct{ Text, URL string }

// linkPattern finds addresses of pages and of mailboxes in what people write. It leaves out what in a mailto: URL would
// have to be escaped.
var linkPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`https?://[^\s<>"{}]+|[\pL\pN.+_'-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+`)
})

// SplitLinks makes links of the addresses in text, without the punctuation of the sentence around them. Together the
// spans are the text.
func SplitLinks(text string) []TextSpan {
	var spans []TextSpan
	at := 0
	for _, match := range linkPattern().FindAllStringIndex(text, -1) {
		address := strings.TrimRight(text[match[0]:match[1]], ".,;:!?)»”'*")
		url := address
		if !strings.Contains(address, "://") {
			url = "mailto:" + address
		}
		spans = append(spans, TextSpan{Text: text[at:match[0]]}, TextSpan{Text: address, URL: url})
		at = match[0] + len(address)
	}
	return append(spans, TextSpan{Text: text[at:]})
}
