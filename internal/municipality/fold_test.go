package municipality

import (
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Børn og Unge, ÅRHUS Kommune":    "born og unge, arhus kommune",
		"Koebenhavn/Københavns":          "kobenhavn, kobenhavns",
		"HR - Lyngby-Taarbæk (ltk)":      "hr, lyngby tarbaek, ltk",
		"HR- Vejle":                      "hr, vejle",
		"A\u030arhus\u00a0Kommune":       "arhus kommune", // decomposed, with a no-break space
		"Aarhus' Kom\u00admune":          "arhus kommune", // with a soft hyphen
		"Odense’s":                       "odenses",
		"Jönköping & Malmö, Müller":      "jonkoping og malmo, muller",
		"Danfoss A/S":                    "danfoss as",
		"Café Crème ﬁlm":                 "cafe creme film",
		"  ,;- ":                         "",
		"3F Østjylland":                  "3f ostjylland",
		"Aaaa oeee":                      "a o",
		"Санкт-Петербург":                "санкт петербург",
		"\xff\xfe":                       "",
		"Hedensted Kommune\r\nHR\tLøn":   "hedensted kommune, hr, lon",
		"Teknik–Miljø":                   "teknik, miljo",
		"„Odense“ «Kommune» 'Fyn' \"x\"": "odense kommune fyn x",
	} {
		if got := unfold(fold(in)); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

// unfold joins words and parts, so that folding the result makes the same again.
func unfold(parts [][]string) string {
	var joined []string
	for _, words := range parts {
		joined = append(joined, strings.Join(words, " "))
	}
	return strings.Join(joined, ", ")
}
