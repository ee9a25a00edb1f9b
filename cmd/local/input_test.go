package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestInvalidInput: an error has the form that the caller expects and names the field; and nothing is stored.
func TestInvalidInput(t *testing.T) {
	p := start(t, build(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z")
	o := p.organiser()
	const page = "<h1"
	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
		contains                        string
	}{
		"UnknownSlug":           {"GET", "/e/nope", "", "", 404, page},
		"SignUpAtAnUnknownSlug": {"POST", "/e/nope/registrations", form, fields("A", "a@example.dk"), 404, page},
		"JSONAtAnUnknownSlug": {
			"POST", "/api/v1/public/events/nope/registrations", "application/json",
			`{"name":"A","email":"a@example.dk"}`, 404, `"not-found"`,
		},
		"TooLarge": {"POST", signUpPath, form, "name=" + strings.Repeat("a", 64<<10), 413, page},
		"TooLargeJSON": {
			"POST", publicPath, "application/json", `{"name":"` + strings.Repeat("a", 64<<10) + `"}`, 413,
			`"too-large"`,
		},
		"WrongType": {"POST", signUpPath, "text/plain", "name=a", 415, page},
		"WrongTypeJSON": {
			"POST", publicPath, "text/plain", `{"name":"A","email":"a@example.dk"}`, 415, `"status":`,
		},
		"BrokenJSON": {"POST", publicPath, "application/json", `{"name":`, 400, `"status":`},
		"UnknownJSONField": {
			"POST", publicPath, "application/json", `{"nam":"A","email":"a@example.dk"}`, 400, `"nam"`,
		},
		"NUL": {"POST", signUpPath, form, fields("a\x00b", "a@example.dk"), 422, `href="#name"`},
		"LineBreakInTheName": {
			"POST", signUpPath, form, fields("a\r\nBcc: b@example.dk", "a@example.dk"), 422, `href="#name"`,
		},
		"LineBreakInTheAddress": {
			"POST", signUpPath, form, fields("A", "a@example.dk\r\nBcc: b@example.dk"), 422, `href="#email"`,
		},
		"BadUTF8": {"POST", signUpPath, form, "name=%ff%fe&email=a@example.dk", 400, page},
		"BadUTF8JSON": {
			"POST", publicPath, "application/json", "{\"name\":\"\xff\",\"email\":\"a@example.dk\"}", 400, `"status":`,
		},
		"BrokenEscape": {"POST", signUpPath, form, "name=%zz&email=a@example.dk", 400, page},
		"LongName": {
			"POST", signUpPath, form, fields(strings.Repeat("a", 10_000), "a@example.dk"), 422, `href="#name"`,
		},
		"NoAddress": {"POST", signUpPath, form, fields("A", "a.example.dk"), 422, `href="#email"`},
		"NoAddressJSON": {
			"POST", publicPath, "application/json", `{"name":"A","email":"a.example.dk"}`, 422, `"email"`,
		},
		"TypedValuesAreKept": {"POST", signUpPath, form, fields(`Åse "<b>`, ""), 422, `value="Åse &#34;&lt;b&gt;"`},
		"ForgedLink":         {"GET", "/r/" + strings.Repeat("A", 60), "", "", 404, page},
		"ForgedJoinLink":     {"POST", "/join/x", form, "", 404, page},
		"WrongMethod":        {"DELETE", "/e/samskabelse", "", "", 405, page},
	} {
		t.Run(name, func(t *testing.T) {
			res, raw := p.do(c.method, c.path, c.contentType, c.body)
			if res.StatusCode != c.status || !strings.Contains(string(raw), c.contains) {
				t.Errorf("%d, not %d with %s: %.600s", res.StatusCode, c.status, c.contains, raw)
			}
		})
	}
	t.Run("EveryInvalidTokenHasTheSameAnswer", func(t *testing.T) {
		_, want := p.do("GET", "/api/v1/events", "", "")
		for _, header := range []string{
			"Bearer", "Bearer x", "Bearer " + o.token + "x", "Basic " + o.token, "Bearer \xff", o.token,
		} {
			res, raw := p.do("GET", "/api/v1/events", "", "", "Authorization: "+header)
			if res.StatusCode != 401 || string(raw) != string(want) {
				t.Errorf("%.12q: %d %s", header, res.StatusCode, raw)
			}
		}
	})
	t.Run("UnknownFieldOfAnEvent", func(t *testing.T) {
		status, raw := o.call("PATCH", o.path, `{"titel":"x"}`)
		if status != 400 || !strings.Contains(string(raw), `"titel"`) {
			t.Errorf("%d %s", status, raw)
		}
	})
	for _, closing := range []struct{ name, method, path, body string }{
		{"Closed", "PATCH", o.path, `{"status":"closed"}`},
		{"Cancelled", "POST", o.path + "/cancel", ""},
	} {
		t.Run(closing.name, func(t *testing.T) {
			if status, raw := o.call(closing.method, closing.path, closing.body); status != 200 {
				t.Fatalf("%d %s", status, raw)
			}
			res, raw := p.do("POST", signUpPath, form, fields("A", "a@example.dk"))
			if res.StatusCode != 409 || !strings.Contains(string(raw), page) {
				t.Errorf("%d %.600s", res.StatusCode, raw)
			}
			res, raw = p.do("POST", publicPath, "application/json", `{"name":"A","email":"a@example.dk"}`)
			var problem struct{ Code string }
			err := json.Unmarshal(raw, &problem)
			if err != nil || res.StatusCode != 409 || problem.Code != strings.ToLower(closing.name) {
				t.Errorf("%d %s", res.StatusCode, raw)
			}
		})
	}
	stored, rows := list[struct{ Email string }](o, "registrations"), list[delivery](o, "deliveries")
	if o.counts() != (counts{}) || len(stored)+len(rows)+len(p.mails()) > 0 {
		t.Errorf("stored: %+v, %v, %v, %d mails", o.counts(), stored, rows, len(p.mails()))
	}
}
