package local_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/local"
)

// receivedEvent is the part of an event that the gateway decides about.
type receivedEvent struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		RequestID string `json:"requestId"`
		TimeEpoch int64  `json:"timeEpoch"`
		HTTP      struct {
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

func newGateway(site, organiser local.Function) (g *local.Gateway, woken *int) {
	woken = new(int)
	return &local.Gateway{
		Site: site, Organiser: organiser, Now: func() time.Time { return noon }, NewID: func() string { return "id-1" },
		Wake: func() { *woken++ },
	}, woken
}

// respondWith is a function that responds with a word.
func respondWith(word string) local.Function {
	return func(context.Context, []byte) ([]byte, error) {
		return json.Marshal(map[string]any{"statusCode": 200, "body": word})
	}
}

func serveTo(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGatewayRoutes(t *testing.T) {
	g, _ := newGateway(respondWith("site"), respondWith("organiser"))
	for path, want := range map[string]string{
		"/": "site", "/e/samskabelse": "site", "/api/v1/public/events/x/registrations": "site", "/healthz": "site",
		"/api/v1/events": "organiser", "/api/v1/public": "organiser", "/api/v1/public/": "organiser",
		"/api/v1/publicity": "organiser", "/api/": "site", "/api": "site", "/apis": "site",
		"/organiser": "organiser", "/organiser/events": "organiser", "/organisers": "site",
	} {
		if got := body(t, serveTo(g, httptest.NewRequest(http.MethodGet, path, nil))); got != want {
			t.Errorf("%s goes to %s", path, got)
		}
	}
}

func TestGatewayEvents(t *testing.T) {
	var got receivedEvent
	g, _ := newGateway(func(_ context.Context, payload []byte) ([]byte, error) {
		got = receivedEvent{}
		return []byte(`{"statusCode":204}`), json.Unmarshal(payload, &got)
	}, nil)
	form := func() *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/e/x/registrations?utm=a+b", strings.NewReader("name=%C3%86"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = "127.0.0.1:4711"
		return r
	}

	t.Run("FormPost", func(t *testing.T) {
		r := form()
		r.Host = "127.0.0.1:8080"
		r.Header.Set("Connection", "keep-alive")
		serveTo(g, r)
		var want receivedEvent
		want.Version, want.RawPath, want.RawQueryString = "2.0", "/e/x/registrations", "utm=a+b"
		want.Body, want.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte("name=%C3%86")), true
		want.Headers = map[string]string{
			"content-type": "application/x-www-form-urlencoded", "content-length": "11", "host": "127.0.0.1:8080",
			"x-forwarded-for": "127.0.0.1", "x-forwarded-port": "8080", "x-forwarded-proto": "http",
		}
		want.RequestContext.RequestID, want.RequestContext.TimeEpoch = "id-1", noon.UnixMilli()
		want.RequestContext.HTTP.SourceIP = "127.0.0.1"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("SourceAddressFromTheHeader", func(t *testing.T) {
		for header, want := range map[string]string{
			"203.0.113.9": "203.0.113.9", "2001:db8::1": "2001:db8::1", "garbage": "127.0.0.1",
		} {
			r := form()
			r.Header.Set("X-Local-Source-IP", header)
			r.Header.Set("X-Forwarded-For", "198.51.100.7")
			serveTo(g, r)
			if got.RequestContext.HTTP.SourceIP != want || got.Headers["x-forwarded-for"] != "198.51.100.7, "+want {
				t.Errorf("%s: %s, %s", header, got.RequestContext.HTTP.SourceIP, got.Headers["x-forwarded-for"])
			}
			if _, passed := got.Headers["x-local-source-ip"]; passed {
				t.Error("the header is in the event")
			}
		}
	})
}

func TestGatewayResponses(t *testing.T) {
	response := func(f local.Function, r *http.Request) *http.Response {
		g, _ := newGateway(f, nil)
		return serveTo(g, r)
	}
	get := func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }

	t.Run("OfTheFunction", func(t *testing.T) {
		res := response(func(context.Context, []byte) ([]byte, error) {
			return []byte(`{"statusCode":303,"headers":{"Location":"/x","Content-Type":"image/png"},` +
				`"cookies":["a=1; Path=/","b=2"],"body":"AAEC","isBase64Encoded":true}`), nil
		}, get())
		redirects := res.StatusCode == http.StatusSeeOther && res.Header.Get("Location") == "/x"
		if !redirects || len(res.Cookies()) != 2 || body(t, res) != "\x00\x01\x02" {
			t.Errorf("got %v", res)
		}
	})
	t.Run("AFailureIsA500", func(t *testing.T) {
		for name, f := range map[string]local.Function{
			"Error":  func(context.Context, []byte) ([]byte, error) { return nil, errors.New("secret") },
			"Panic":  local.Lambda(time.Minute, func(context.Context, any) (any, error) { panic("secret") }),
			"NoJSON": func(context.Context, []byte) ([]byte, error) { return []byte("secret"), nil },
			"TooBig": func(context.Context, []byte) ([]byte, error) { return json.Marshal(strings.Repeat("x", 6<<20)) },
		} {
			t.Run(name, func(t *testing.T) {
				res := response(f, get())
				text := body(t, res)
				if res.StatusCode != 500 || text != "{\"message\":\"Internal Server Error\"}\n" {
					t.Errorf("got %d %s", res.StatusCode, text)
				}
			})
		}
	})
	t.Run("AFunctionThatOutlivesItsTimeoutFails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := func(context.Context, any) (any, error) {
				time.Sleep(local.SiteTimeout + time.Second)
				return "late", nil
			}
			if res := response(local.Lambda(local.SiteTimeout, slow), get()); res.StatusCode != 500 {
				t.Errorf("got %d", res.StatusCode)
			}
		})
	})
	t.Run("ATimeoutIsA503", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			hang := func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
			res := response(hang, get())
			if res.StatusCode != http.StatusServiceUnavailable || time.Since(began) != 30*time.Second {
				t.Errorf("got %d after %s", res.StatusCode, time.Since(began))
			}
		})
	})
	t.Run("ARequestThatNeverReachesTheFunction", func(t *testing.T) {
		called := func(context.Context, []byte) ([]byte, error) { t.Error("the function was called"); return nil, nil }
		for name, size := range map[string]int{"ForTheGateway": 10<<20 + 1, "ForLambda": 6 << 20} {
			t.Run(name, func(t *testing.T) {
				res := response(called, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, size))))
				if res.StatusCode != http.StatusRequestEntityTooLarge {
					t.Errorf("got %d", res.StatusCode)
				}
			})
		}
		if res := response(called, httptest.NewRequest(http.MethodGet, "/100%25", nil)); res.StatusCode != http.StatusBadRequest {
			t.Errorf("a path that cannot be decoded twice: %d", res.StatusCode)
		}
		r := get()
		r.Header.Set("Cookie", strings.Repeat("x", 10_240))
		if res := response(called, r); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got %d", res.StatusCode)
		}
	})
}

func TestGatewayWakesAfterRequestsThatMayChangeSomething(t *testing.T) {
	for method, want := range map[string]int{
		http.MethodGet: 0, http.MethodHead: 0, http.MethodPost: 1, http.MethodPatch: 1, http.MethodDelete: 1,
	} {
		g, woken := newGateway(respondWith("x"), nil)
		serveTo(g, httptest.NewRequest(method, "/", nil))
		if *woken != want {
			t.Errorf("%s: woken %d times", method, *woken)
		}
	}
}
