package visitor

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/testing/contract"
	"deltag/internal/web"
)

const publicPath = "/api/v1/public/events/samskabelse/registrations"

func (v *client) postJSON(body string) response {
	v.Helper()
	return v.send("POST", publicPath, "application/json", body)
}

func (a response) wantProblem(status int, code string) web.Problem {
	a.t.Helper()
	a.want(status)
	var d web.Problem
	if err := json.Unmarshal([]byte(a.text), &d); err != nil {
		a.t.Fatalf("%v in %s", err, a.text)
	}
	if a.Header.Get("Content-Type") != "application/problem+json" ||
		a.Header.Get("Access-Control-Allow-Origin") != "*" {
		a.t.Errorf("headers %v", a.Header)
	}
	if d.Status != status || d.Code != code || d.Title == "" || strings.HasPrefix(d.Title, "page.") {
		a.t.Errorf("problem %+v, want status %d, code %s", d, status, code)
	}
	return d
}

func TestPublicSignUp(t *testing.T) {
	t.Run("IsStored", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		v := newClient(t, e)
		a := v.postJSON(` {"name": "Anna Holm", "email": "anna+web@example.dk", "organisation": null, "updates": true,
			"language": "en", "answers": { "kommune": "Æblerød", "erfaring" : "Lidt", "emner": [ "Ledelse", "Økonomi" ],
				"optagelse": true, "bidrag": null } } `).want(http.StatusAccepted)
		if !strings.Contains(a.text, `"status":"received"`) || !strings.Contains(a.text, "We have sent an e-mail") {
			t.Errorf("answer %s", a.text)
		}
		r := v.only()
		want := map[string][]string{"kommune": {"Æblerød"}, "erfaring": {"Lidt"}, "emner": {"Ledelse", "Økonomi"},
			"optagelse": {"yes"}}
		if diff := cmp.Diff(want, r.Answers); diff != "" || r.Language != deltag.LanguageEnglish || !r.AsksForNews ||
			r.Email.Original != "anna+web@example.dk" {
			t.Errorf("stored %+v\n%s", r, diff)
		}
	})
	t.Run("SpeaksTheEventsLanguageOfItself", func(t *testing.T) {
		v := newClient(t, webinar())
		v.postJSON(`{"name":"Anna Holm","email":"anna@example.dk"}`).want(http.StatusAccepted)
		if got := v.only().Language; got != deltag.LanguageDanish {
			t.Errorf("language %q, want da", got)
		}
	})
	t.Run("AnswerIsTheSameForKnownAndUnknownAddresses", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		e.Verify = deltag.VerifyNever // a network's share of one seat is used up by the first
		v := newClient(t, e)
		first, again, waiting := v.postJSON(`{"name":"A","email":"a@example.dk"}`),
			v.postJSON(`{"name":"A","email":"a@example.dk"}`), v.postJSON(`{"name":"B","email":"b@example.dk"}`)
		for _, a := range []response{again, waiting} {
			if diff := cmp.Diff(first.Header, a.Header); diff != "" || a.text != first.text ||
				a.StatusCode != first.StatusCode {
				t.Errorf("the answers differ: %s %s", a.text, diff)
			}
		}
	})
	t.Run("ErrorsNameTheFields", func(t *testing.T) {
		d := newClient(t, webinar()).postJSON(`{"name":"","email":"anna","answers":{"nix":"x"},"language":"sv"}`).
			wantProblem(http.StatusUnprocessableEntity, "invalid")
		var got []string
		for _, f := range d.Errors {
			got = append(got, f.Field+" "+f.Code)
			if f.Detail == "" || strings.HasPrefix(f.Detail, "error.") {
				t.Errorf("%s has detail %q", f.Field, f.Detail)
			}
		}
		want := []string{
			"name missing", "email address-no-at", "answers.nix unknown-question", "language unknown-language",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		if d.Errors[0].Detail != "Skriv dit navn." {
			t.Errorf("detail %q, want the event's language", d.Errors[0].Detail)
		}
	})
	for name, tt := range map[string]struct {
		body, code, field string
	}{
		"UnknownField":     {`{"name":"A","emial":"a@example.dk"}`, "unknown-field", "emial"},
		"FieldInCapitals":  {`{"Name":"A"}`, "unknown-field", "Name"},
		"NumberForText":    {`{"name":7}`, "wrong-type", "name"},
		"TextForTick":      {`{"updates":"yes"}`, "wrong-type", "updates"},
		"ListForText":      {`{"email":["a@example.dk"]}`, "wrong-type", "email"},
		"TextForAnswers":   {`{"answers":"x"}`, "wrong-type", "answers"},
		"NumberForAnswer":  {`{"answers":{"kommune":7}}`, "wrong-type", "answers.kommune"},
		"ObjectForAnswer":  {`{"answers":{"kommune":{}}}`, "wrong-type", "answers.kommune"},
		"NullWithinAnswer": {`{"answers":{"emner":[null]}}`, "wrong-type", "answers.emner"},
		"NumberWithin":     {`{"answers":{"emner":["a",1]}}`, "wrong-type", "answers.emner"},
		"SameFieldTwice":   {`{"name":"A","name":"B"}`, "twice", "name"},
		"SameAnswerTwice":  {`{"answers":{"a":"x","a":"y"}}`, "twice", "answers.a"},
		"TwoValues":        {`{"name":"A"} {"name":"B"}`, "malformed", ""},
		"TrailingGarbage":  {`{"name":"A"}]`, "malformed", ""},
		"List":             {`[]`, "malformed", ""},
		"Text":             {`"hello"`, "malformed", ""},
		"Null":             {`null`, "malformed", ""},
		"Empty":            {``, "malformed", ""},
		"CutOff":           {`{"name":"A"`, "malformed", ""},
		"CutOffWithin":     {`{"name":"A`, "malformed", ""},
		"BadUTF8":          {"{\"name\":\"A\xff\"}", "malformed", ""},
		"CommaAtTheEnd":    {`{"name":"A",}`, "malformed", ""},
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			v := newClient(t, webinar())
			var d web.Problem
			v.wantUnchanged(func() { d = v.postJSON(tt.body).wantProblem(http.StatusBadRequest, tt.code) })
			if tt.field == "" && len(d.Errors) > 0 ||
				tt.field != "" && (len(d.Errors) != 1 || d.Errors[0].Field != tt.field) {
				t.Errorf("errors %+v, want field %q", d.Errors, tt.field)
			}
		})
	}
	t.Run("RefusesNULInName", func(t *testing.T) {
		d := newClient(t, webinar()).postJSON(`{"name":"A\u0000B","email":"a@example.dk"}`).
			wantProblem(http.StatusUnprocessableEntity, "invalid")
		if d.Errors[0].Field != "name" || d.Errors[0].Code != "bad-characters" {
			t.Errorf("errors %+v", d.Errors)
		}
	})
	t.Run("RefusesOver64KiB", func(t *testing.T) {
		newClient(t, webinar()).postJSON(`{"name":"`+strings.Repeat("a", 64<<10)+`"}`).
			wantProblem(http.StatusRequestEntityTooLarge, "too-large")
	})
	t.Run("RefusesOtherTypes", func(t *testing.T) {
		newClient(t, webinar()).send("POST", publicPath, "text/plain", `{}`).
			wantProblem(http.StatusUnsupportedMediaType, "unsupported-media-type")
	})
	t.Run("UnknownEventIsNotFound", func(t *testing.T) {
		newClient(t).postJSON(`{"name":"A"}`).wantProblem(http.StatusNotFound, "not-found")
	})
	t.Run("UnknownPathIsNotFound", func(t *testing.T) {
		for _, path := range []string{"/api/v1/public/events/samskabelse", "/api/v1/public/x", "/api/x"} {
			for _, method := range []string{"GET", "POST"} {
				a := newClient(t, webinar()).send(method, path, "application/json", `{}`)
				if a.want(http.StatusNotFound).Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s answers %s", method, path, a.text)
				}
			}
		}
	})
	t.Run("CancelledEventConflictsInTheEventsLanguage", func(t *testing.T) {
		e := webinar()
		e.Status = deltag.EventCancelled
		d := newClient(t, e).postJSON(`{"name":"A"}`).wantProblem(http.StatusConflict, "cancelled")
		if d.Title != "Arrangementet er aflyst" {
			t.Errorf("title %q", d.Title)
		}
	})
	t.Run("FullEventConflicts", func(t *testing.T) {
		e := limited(webinar(), 1, false)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		v.postJSON(`{"name":"B","email":"b@example.dk"}`).wantProblem(http.StatusConflict, "full")
	})
	t.Run("WithoutStoreMayBeRepeated", func(t *testing.T) {
		v := newClient(t, webinar())
		v.store.onWrite = always(deltag.ErrUnavailable)
		a := v.postJSON(`{"name":"A","email":"a@example.dk"}`)
		a.wantProblem(http.StatusServiceUnavailable, "unavailable")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("AnySiteMayCall", func(t *testing.T) {
		v := newClient(t, webinar())
		h := v.send("OPTIONS", publicPath, "", "").want(http.StatusNoContent).Header
		for name, want := range map[string]string{"Access-Control-Allow-Origin": "*",
			"Access-Control-Allow-Methods": "POST, OPTIONS", "Access-Control-Allow-Headers": "Content-Type",
			"Access-Control-Allow-Credentials": ""} {
			if got := h.Get(name); got != want {
				t.Errorf("%s %q, want %q", name, got, want)
			}
		}
		v.send("GET", publicPath, "", "").want(http.StatusMethodNotAllowed)
	})
}

// TestPublicSignUpContract holds bodies near the border of each rule against openapi.yaml and the site: they must agree.
func TestPublicSignUpContract(t *testing.T) {
	e := webinar()
	e.Questions = questions()
	for i := range e.Questions {
		e.Questions[i].Required = false
	}
	long := func(n int) string { return strings.Repeat("å", n) }
	bodies := map[string]bool{
		`{"email":"anna@example.dk"}`: false, `{"name":"Anna Holm"}`: false, `{"name":null,"email":"anna@example.dk"}`: false,
		`{"name":"` + long(200) + `","email":"anna@example.dk"}`: true, `{"name":" ","email":"anna@example.dk"}`: false,
		`{"name":"` + long(201) + `","email":"anna@example.dk"}`: false, `{"name":"Anna","email":"anna"}`: false,
	}
	for with, accepted := range map[string]bool{
		``: true, `"organisation":null,"role":null,"updates":null,"language":null,"answers":null`: true,
		`"organisation":"` + long(200) + `","role":""`: true, `"organisation":"` + long(201) + `"`: false,
		`"role":"` + long(201) + `"`: false, `"role":"a\tb"`: false, `"role":1`: false,
		`"updates":true`: true, `"updates":"yes"`: false, `"language":"en"`: true, `"language":""`: true,
		`"language":"sv"`: false, `"answers":[]`: false, `"answers":{"kommune":"Æblerød"}`: true,
		`"answers":{"kommune":["Æblerød"]}`: true, `"answers":{"kommune":null,"optagelse":false}`: true,
		`"answers":{"optagelse":true}`: true, `"answers":{"kommune":7}`: false, `"answers":{"emner":[null]}`: false,
		`"answers":{"bidrag":"a\n` + long(3998) + `"}`: true, `"answers":{"bidrag":"` + long(4001) + `"}`: false,
		`"answers":{"bidrag":"\u0000"}`: false, `"phone":"1"`: false, `"Role":"a"`: false,
	} {
		bodies[strings.TrimSuffix(`{"name":"Anna Holm","email":"anna@example.dk",`+with, ",")+"}"] = accepted
	}
	for body, accepted := range bodies {

		var decoded any
		if err := json.Unmarshal([]byte(body), &decoded); err != nil {
			t.Fatal(err)
		}
		conforms := contract.Schema(t, "PublicSignUp").VisitJSON(decoded) == nil
		status := newClient(t, e).postJSON(body).StatusCode
		if conforms != accepted || (status == http.StatusAccepted) != accepted {
			t.Errorf("%.90s: contract %v, site %d, want %v", body, conforms, status, accepted)
		}
	}
}

func FuzzParseSignUp(f *testing.F) {
	for _, s := range []string{`{"name":"A","answers":{"a":["x"],"b":true,"c":null}}`, `{}`, `[]`, `{"name":1}`,
		`{"a":{}}`, `{"answers":{}} x`, "{\"name\":\"\xff\"}", ` {"email" : null}`} {
		f.Add([]byte(s))
	}
	e := webinar()
	e.Questions = questions()
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := parseSignUp(body)
		if err != nil {
			if web.ErrorFor(err).Status != http.StatusBadRequest {
				t.Fatalf("%v is not answered with status 400", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Errorf("took %q, which is not JSON", body)
		}
		checkValidated(t, n, e)
	})
}
