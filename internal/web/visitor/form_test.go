package visitor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

func wordsOf(l deltag.Language) *i18n.Catalog { return i18n.For(l) }

func source(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// checkJudged holds for whatever was sent in: what passes is fit to be stored and mailed, and what does
// not comes back in a form that can be shown.
func checkJudged(t *testing.T, n signUpInput, e deltag.Event) {
	t.Helper()
	su, faults := n.validate(e)
	if len(faults) == 0 {
		if su.Name == "" || su.Email.Normalized == "" {
			t.Errorf("%+v passed without name or address", su)
		}
		for _, line := range []string{su.Name, su.Organisation, su.Role, su.Email.Original} {
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%q passed with a control character", line)
			}
		}
		return
	}
	for _, f := range faults {
		if !wordsOf(deltag.LanguageDanish).Has("error." + f.Code) {
			t.Errorf("no words for %+v", f)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"name=Anna&email=anna%40example.dk", "name=%zz", "a=b;c=d", "name=%00&email=%ff", "answers.emner=Ledelse&answers.emner=x&updates=on", "=&&==", "language=en&homepage=x&embed"} {
		f.Add(s)
	}
	e := webinar()
	e.Questions = questions()
	v := newClient(&testing.T{}, e)
	f.Fuzz(func(t *testing.T, body string) {
		values, err := parseForm(body)
		if err == nil {
			checkJudged(t, readSignUpForm(values, e, deltag.LanguageDanish), e)
		}
		r := httptest.NewRequest("POST", signUpPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		v.site.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusSeeOther, http.StatusUnprocessableEntity:
		case http.StatusBadRequest:
			if err == nil && utf8.ValidString(body) {
				t.Errorf("%q parses, and was refused", body)
			}
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}
