package address

import "testing"

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
