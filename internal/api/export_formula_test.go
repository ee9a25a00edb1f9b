package api

import "testing"

func TestEscapeFormula(t *testing.T) {
	for _, formula := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0@x", "@", "\tx",
	} {
		if got := escapeFormula(formula); got != "'"+formula {
			t.Errorf("%q becomes %q", formula, got)
		}
	}
	for _, text := range []string{"", " ", "Åse", "a=b", "1-2", "mette@example.dk", "a\tb"} {
		if got := escapeFormula(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
