package internal_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"deltag/internal/apigateway"
	"deltag/internal/deltag"
	"deltag/internal/testing/lambdaruntime"
	"deltag/internal/testing/storetest"
	"deltag/internal/web/visitor"
)

// BenchmarkColdStart measures each function's time from exec to its first poll, also as a ratio to an empty function's
// in the same run, its peak memory, and the size of the binary for AWS.
func BenchmarkColdStart(b *testing.B) {
	d := newDeployment(b, storetest.Embedded(b))
	empty := built(b, "deltag/internal/testing/lambdaruntime/testdata/hello")
	for _, name := range []string{"site", "organiser", "mailer", "feedback"} {
		b.Run(name, func(b *testing.B) {
			binary := built(b, "deltag/functions/"+name)
			var ours, baseline time.Duration
			var rss int64
			for b.Loop() {
				// In turn, so that a slow moment of the machine affects both.
				baseline += coldStart(b, empty, d.env, nil)
				ours += coldStart(b, binary, d.env, &rss)
			}
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N)/1000, "ms/init")
			b.ReportMetric(float64(ours)/float64(baseline), "x-empty")
			b.ReportMetric(float64(rss)/(1<<20), "MiB-rss")
			b.ReportMetric(size(b, name), "MiB-arm64")
		})
	}
}

// built builds a package of a function.
func built(b *testing.B, path string) string {
	b.Helper()
	binary, err := lambdaruntime.Build(b.TempDir(), path)
	if err != nil {
		b.Fatal(err)
	}
	return binary
}

func coldStart(b *testing.B, binary string, env []string, rss *int64) time.Duration {
	b.Helper()
	f, err := lambdaruntime.Start(context.Background(), binary, env)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Stop()
	if rss != nil {
		n, err := f.PeakRSS()
		if err != nil {
			b.Fatal(err)
		}
		*rss = max(*rss, n)
	}
	return f.InitDuration()
}

// size is that of the function as make build builds it for AWS.
func size(b *testing.B, name string) float64 {
	b.Helper()
	info, err := os.Stat(filepath.Join("..", ".build", name))
	if err != nil {
		b.Skip("run make build first: ", err)
	}
	return float64(info.Size()) / (1 << 20)
}

// BenchmarkWarmSignUp measures the processor time of a sign-up in the warm function, also as a ratio to a minimal
// function that does one PutItem on the same engine. Linux counts it in steps of 10 ms, so each iteration is many
// sign-ups, and a run that is too short for a figure fails.
func BenchmarkWarmSignUp(b *testing.B) {
	const signUps = 200
	d := newDeployment(b, storetest.Embedded(b))
	d.newEvent()
	site := d.start("site")
	minimal, err := lambdaruntime.Start(
		context.Background(), built(b, "deltag/internal/testing/lambdaruntime/testdata/putitem"), d.env,
	)
	d.must(err)
	b.Cleanup(minimal.Stop)
	n := 0
	signUp := func() {
		n++
		event := request("POST", "/api/v1/public/events/samskabelse/registrations",
			fmt.Appendf(nil, `{"name":"Mette","email":"m%d@example.dk"}`, n), "Content-Type: application/json")
		event.RequestContext.HTTP.SourceIP = fmt.Sprintf("10.0.%d.%d", n/250%250, n%250) // below the rate limit
		if answer := call[apigateway.Response](b, site, event); answer.StatusCode != 202 {
			b.Fatal(answer.StatusCode, answer.Body)
		}
	}
	put := func() {
		_, err := minimal.Invoke(context.Background(), fmt.Appendf(nil, `{"id":"%d"}`, n))
		d.must(err)
	}
	signUp()
	put()
	ours, baseline := cpu(b, site), cpu(b, minimal)
	for b.Loop() {
		for range signUps {
			signUp()
			put()
		}
	}
	ours, baseline = cpu(b, site)-ours, cpu(b, minimal)-baseline
	if baseline < 100*time.Millisecond {
		b.Fatalf("%v of processor time is too little to compare with: use a longer -benchtime", baseline)
	}
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N*signUps), "µs-cpu")
	b.ReportMetric(float64(ours)/float64(baseline), "x-putitem")
}

// BenchmarkPersonalPage counts the DynamoDB calls of a personal page.
func BenchmarkPersonalPage(b *testing.B) {
	engine := storetest.Embedded(b)
	store := engine.Store()
	d := newDeployment(b, engine)
	e := d.newEvent()
	a := deltag.Address{Original: "mette@example.dk", Normalized: "mette@example.dk"}
	in := deltag.SignUpRequest{Name: "Mette", Email: a, Language: deltag.LanguageDanish}
	if _, err := store.SignUp(context.Background(), e, in, time.Now()); err != nil {
		b.Fatal(err)
	}
	_, r, err := store.EventAndRegistration(context.Background(), e.ID, deltag.RegistrationID(e, a))
	if err != nil {
		b.Fatal(err)
	}
	pages := visitor.New(visitor.Options{
		Store: store, BaseURL: "https://deltag.example.dk", Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	engine.Transport.Reset()
	for b.Loop() {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest("GET", "/r/"+r.LinkToken(deltag.PurposeManage), nil))
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(engine.Transport.Count())/float64(b.N), "calls")
}

func cpu(b *testing.B, f *lambdaruntime.Function) time.Duration {
	b.Helper()
	d, err := f.CPU()
	if err != nil {
		b.Fatal(err)
	}
	return d
}
