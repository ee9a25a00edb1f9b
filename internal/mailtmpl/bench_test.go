package mailtmpl_test

import (
	"testing"

	"deltag/internal/deltag"
)

// BenchmarkRender renders the most frequent mails. One core must render far more than SES takes: 1,500 a second is
// 667 µs each.
func BenchmarkRender(b *testing.B) {
	for _, name := range []string{"confirmation", "reminder-P1D", "moved"} {
		s := mailCases(deltag.LanguageDanish)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := renderer.Render(s.MailContext, s.at); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}
