package address

import (
	"testing"

	"deltag/internal/deltag"
)

func TestProposeDomain(t *testing.T) {
	for domain, want := range map[string]string{
		"gmial.com": "gmail.com", "gmal.com": "gmail.com", "gmaill.com": "gmail.com", "gnail.com": "gmail.com",
		"gmail.co": "gmail.com", "gmail.cm": "gmail.com", "hotmail.dkk": "hotmail.dk", "otmail.com": "hotmail.com",
		"gamil.cmo": "", "me.com": "", "gmx.com": "", "example.dk": "", "solbaek.dk": "",
	} {
		if got := proposeDomain(domain); got != want {
			t.Errorf("%s: %q, want %q", domain, got, want)
		}
	}
}

func TestPropose(t *testing.T) {
	for typed, want := range map[string]string{"Mette@gmial.com": "Mette@gmail.com", "mette@example.dk": ""} {
		if got := Propose(deltag.Address{Original: typed, Normalized: typed}); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
}
