package deltag

import (
	"testing"
	"time"
)

func TestParseOffset(t *testing.T) {
	for s, d := range map[string]time.Duration{
		"-P1D": -24 * time.Hour, "-PT1H": -time.Hour, "-PT10M": -10 * time.Minute, "PT1H30M": 90 * time.Minute,
		"P1DT1H": 25 * time.Hour, "P1DT2M": 24*time.Hour + 2*time.Minute, "PT0M": 0, "P9999D": 9999 * 24 * time.Hour,
	} {
		got, err := ParseOffset(s)
		if err != nil || got != Offset(d) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
		assertEqual(t, got.String(), s)
	}
	for _, s := range []string{
		"", "-", "P", "PT", "-P", "P1", "P1H", "PT1D", "P1M", "P1Y", "P1W", "PT1S", "PT1.5H", "P-1D", "P+1D", "PT1M1H",
		"P10000D", "P99999D", "PT10000H", "PT10000M", "P1DT", "P1DT5", "PTH", "PTM", "PT1.5M", "PTAH", "p1d", "P1D ",
		"P1D2", "1D",
	} {
		if got, err := ParseOffset(s); err == nil || got != 0 {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func FuzzParseOffset(f *testing.F) {
	f.Add("-P1DT2H3M")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOffset(s)
		if err != nil {
			return
		}
		again, err := ParseOffset(o.String())
		if err != nil || again != o {
			t.Errorf("%q: %v became %v, %v", s, o, again, err)
		}
	})
}
