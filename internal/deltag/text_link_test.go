package deltag

import (
	"strings"
	"testing"
)

func TestSplitLinks(t *testing.T) {
	for text, want := range map[string]string{ // links as [text](URL)
		"":                             "",
		"Ingen her":                    "Ingen her",
		"Se https://example.dk/a?b=c.": "Se [https://example.dk/a?b=c](https://example.dk/a?b=c).",
		"(http://example.dk/), og»https://example.dk/x«": "([http://example.dk/](http://example.dk/)), og»" +
			"[https://example.dk/x«](https://example.dk/x«)",
		"Skriv til hej@example.dk, eller søren@blåbær.dk.": "Skriv til [hej@example.dk](mailto:hej@example.dk), eller " +
			"[søren@blåbær.dk](mailto:søren@blåbær.dk).",
		"https://example.dk/@anna":                  "[https://example.dk/@anna](https://example.dk/@anna)",
		"javascript:alert(1) data:x www.example.dk": "javascript:alert(1) data:x www.example.dk",
		"a@b og @anna":                              "a@b og @anna",
		"x?bcc=y@example.dk":                        "x?bcc=[y@example.dk](mailto:y@example.dk)",
		"https://example.dk/<b>":                    "[https://example.dk/](https://example.dk/)<b>",
		"linje\nhttps://example.dk\nlinje":          "linje\n[https://example.dk](https://example.dk)\nlinje",
	} {
		var got, whole strings.Builder
		for _, s := range SplitLinks(text) {
			whole.WriteString(s.Text)
			if s.URL != "" {
				got.WriteString("[" + s.Text + "](" + s.URL + ")")
			} else {
				got.WriteString(s.Text)
			}
		}
		assertEqual(t, got.String(), want)
		assertEqual(t, whole.String(), text)
	}
}
