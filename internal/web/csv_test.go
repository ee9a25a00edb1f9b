package web

import "testing"

func TestEscapeFormula(t *testing.T) {
	for _, formula := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0@x", "@", "\tx",
		"＝1+1", "＋1", "－1", "＠SUM(A1)", "\u200b=1", "\ufeff+1", "\u00ad-1", " \u200b\u3000＝1", "\u2066@x",
	} {
		if got := EscapeFormula(formula); got != "'"+formula {
			t.Errorf("%q becomes %q", formula, got)
		}
	}
	for _, text := range []string{"", " ", "Åse", "a=b", "1-2", "a＝b", "\u200bÅse", "\u00ad", "mette@example.dk", "a\tb"} {
		if got := EscapeFormula(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
