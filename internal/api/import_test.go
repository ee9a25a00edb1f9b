package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const csvType = "Content-Type: text/csv; charset=utf-8"

func TestImport(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent() + "/registrations"
	s.mustCall(201, "POST", path, `{"name":"Kendt","email":"kendt@example.dk"}`)
	list := "Navn;E-mail;Kommune\nMette;mette@example.dk;Aarhus\nKendt;kendt@example.dk\nIb;ib@@example.dk\nBo;bo@no-mail.example.org\n"
	planned := s.mustCall(200, "POST", path+"/import?dryRun=true", list, csvType)
	wantEqual(t, planned["lines"], any([]any{
		importLine(2, "Mette", "mette@example.dk", "confirmed"), importLine(3, "Kendt", "kendt@example.dk", "known"),
		importLine(4, "Ib", "ib@@example.dk", "faulty", "email", "address-two-at", "Write one e-mail address only, with one @."),
		importLine(5, "Bo", "bo@no-mail.example.org", "faulty", "email", "address-no-mail",
			"The part after the @ cannot receive mail. Is there a typo? Check it."),
	}))
	wantEqual(t, []any{planned["last"], planned["done"]}, []any{5.0, true})
	wantEqual(t, len(s.items(path)), 1)

	imported := path + "/import?source=" + url.QueryEscape("Kommunens liste")
	got := s.mustCall(200, "POST", imported+"&confirmations=false", list, csvType)
	wantEqual(t, got, planned)
	wantEqual(t, len(s.items(path)), 2)
	mails := s.items(strings.TrimSuffix(path, "registrations") + "deliveries?email=mette@example.dk")
	wantEqual(t, []any{len(mails), mails[0]["status"], mails[0]["reason"]}, []any{1, any("skipped"), any("confirmation-off")})

	t.Run("Repeated", func(t *testing.T) {
		again := s.mustCall(200, "POST", imported, list, csvType)
		wantEqual(t, again["lines"].([]any)[0], any(importLine(2, "Mette", "mette@example.dk", "known")))
		rest := s.mustCall(200, "POST", imported+"&after=3", list, csvType)
		wantEqual(t, len(rest["lines"].([]any)), 2)
	})
	t.Run("TakesPOSTAlone", func(t *testing.T) {
		for _, method := range []string{"GET", "PATCH", "DELETE", "OPTIONS"} {
			res := s.do(method, path+"/import", "", csvType)
			wantEqual(t, []any{res.StatusCode, res.Header.Get("Allow")}, []any{405, "POST"})
		}
	})
	t.Run("Refuses", func(t *testing.T) {
		for name, test := range map[string]struct {
			status      int
			query, body string
			header      string
			field, code string
		}{
			"NoSource":    {422, "", list, csvType, "source", "missing"},
			"NoTable":     {422, "?dryRun=true", "<html>", csvType, "file", "file-not-a-table"},
			"NoRows":      {422, "?dryRun=true", "Navn;E-mail", csvType, "file", "file-no-rows"},
			"Quotes":      {422, "?dryRun=true", "Navn;E-mail\n\"x;y\n", csvType, "line 2", "file-bad-quotes"},
			"TooLarge":    {413, "?dryRun=true", strings.Repeat("x", 4<<20+1), csvType, "file", "file-too-large"},
			"JSON":        {415, "?dryRun=true", "{}", "Content-Type: application/json", "", ""},
			"BadDryRun":   {400, "?dryRun=perhaps", list, csvType, "dryRun", "bad-parameter"},
			"BehindNone":  {400, "?after=-1", list, csvType, "after", "bad-parameter"},
			"TooFar":      {400, "?after=10000001", list, csvType, "after", "bad-parameter"},
			"UnknownPath": {404, "/nope", list, csvType, "", ""},
		} {
			t.Run(name, func(t *testing.T) {
				problem := s.mustCall(test.status, "POST", path+"/import"+test.query, test.body, test.header)
				if test.field != "" {
					wantEqual(t, fieldCode(problem, test.field), any(test.code))
				}
			})
		}
		wantEqual(t, len(s.items(path)), 2)
	})
}

// importLine is a line as the API answers it, with the field, code and detail of an error.
func importLine(line int, name, email, status string, fault ...string) map[string]any {
	errors := []any{}
	if fault != nil {
		errors = append(errors, map[string]any{"field": fault[0], "code": fault[1], "detail": fault[2]})
	}
	return map[string]any{"line": float64(line), "name": name, "email": email, "status": status, "errors": errors}
}

// TestImportInParts: a client sends a long list again until all is done.
func TestImportInParts(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent() + "/registrations"
	var list strings.Builder
	list.WriteString("name,email\n")
	for i := range 90 {
		fmt.Fprintf(&list, "Person %d,p%d@example.org\n", i, i)
	}
	s.mustCall(200, "POST", path+"/import?source=x&after=50", list.String(), csvType)
	got := s.mustCall(200, "POST", path+"/import?source=x", list.String(), csvType)
	added := 0
	for _, line := range got["lines"].([]any) {
		if line.(map[string]any)["status"] == "confirmed" {
			added++
		}
	}
	wantEqual(t, []any{added, len(got["lines"].([]any)), got["last"], got["done"]}, []any{49, 90, 91.0, true})
}
