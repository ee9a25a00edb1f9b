package message_test

import (
	"testing"

	"deltag/internal/deltag"
)

// BenchmarkCompose makes the mails that go out most. One core must do far more than SES takes: 1,500 a second
// is 667 µs each.
func BenchmarkCompose(b *testing.B) {
	for _, name := range []string{"confirmation", "reminder-P1D", "moved"} {
		s := scenes(deltag.Danish)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := composer.Compose(s.Letter, s.at); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}
