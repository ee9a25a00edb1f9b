package api_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"deltag/internal/deltag"
)

// TestVerify shows an organiser what a public sign-up that waits for the press on its button looks like.
func TestVerify(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	wantEqual(t, s.mustCall(200, "PATCH", path, `{"verify":"always"}`)["verify"], any("always"))
	wantEqual(t, s.mustCall(201, "POST", path+"/clone", `{"startsAt":"2027-06-01T10:00:00Z"}`)["verify"], any("always"))
	ctx := context.Background()
	e, err := s.store.Event(ctx, strings.TrimPrefix(path, "/api/v1/events/"))
	if err != nil {
		t.Fatal(err)
	}
	in := deltag.SignUpRequest{
		Name: "Freja", Email: deltag.Address{Original: "freja@example.dk", Normalized: "freja@example.dk"},
		AllowsNews: true, Language: deltag.LanguageDanish,
	}
	if _, err := s.store.SignUp(ctx, e, in, now); err != nil {
		t.Fatal(err)
	}
	added := s.mustCall(201, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk","updates":true}`)
	wantEqual(t, []any{added["status"], added["updates"]}, []any{"confirmed", true}) // by the organiser

	t.Run("IsCountedAndListedApart", func(t *testing.T) {
		counts := s.mustCall(200, "GET", path, "")["counts"].(map[string]any)
		wantEqual(t, []any{counts["confirmed"], counts["unverified"]}, []any{1.0, 1.0})
		for status, names := range map[string][]any{
			"unverified": {"Freja"}, "confirmed": {"Mette"}, "cancelled": nil, "waiting": nil,
		} {
			var got []any
			for _, r := range s.items(path + "/registrations?status=" + status) {
				wantEqual(t, r["status"], any(status))
				got = append(got, r["name"])
			}
			wantEqual(t, got, names)
		}
		wantEqual(t, len(s.items(path+"/registrations")), 2)
		for _, list := range []string{"/registrations", "/registrations.csv"} {
			problem := s.mustCall(400, "GET", path+list+"?status=gone", "")
			wantEqual(t, fieldCode(problem, "status"), any("unknown-status"))
		}
	})
	t.Run("StaysWhatItIs", func(t *testing.T) {
		id := deltag.RegistrationID(e, in.Email)
		got := s.mustCall(200, "PATCH", path+"/registrations/"+id, `{"status":"unverified"}`)
		wantEqual(t, got["status"], any("unverified"))
	})
	t.Run("IsInTheCSV", func(t *testing.T) {
		raw, _ := io.ReadAll(s.do("GET", path+"/registrations.csv?status=unverified", "").Body)
		if text := string(raw); !strings.Contains(text, "Freja;freja@example.dk;;;mangler at bekræfte") ||
			strings.Contains(text, "Mette") {
			t.Errorf("%s", text)
		}
	})
	t.Run("WantsNoNewsBeforeThePress", func(t *testing.T) {
		_, r, err := s.store.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, in.Email))
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, s.mustCall(200, "GET", path+"/registrations/"+r.ID, "")["updates"], any(false))
		if _, err := s.store.Rejoin(ctx, e, r, true, now); err != nil {
			t.Fatal(err)
		}
		got := s.mustCall(200, "GET", path+"/registrations/"+r.ID, "")
		wantEqual(t, []any{got["status"], got["updates"]}, []any{"confirmed", true})
	})
	t.Run("IsInTheLedger", func(t *testing.T) {
		wantEqual(t, len(s.items(path+"/deliveries?kind=verify")), 1)
	})
}
