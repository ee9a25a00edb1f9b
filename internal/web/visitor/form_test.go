package visitor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"unicode"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

func readSource(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// checkValidated checks what holds for whatever was sent in: what passes is fit to be stored and mailed, and there are
// words for what is wrong with anything else.
func checkValidated(t *testing.T, typed deltag.SignUpRequest, e deltag.Event) {
	t.Helper()
	request, err := address.ParseSignUp(t.Context(), typed, e, nil)
	if err == nil {
		if request.Name == "" || request.Email.Normalized == "" {
			t.Errorf("%+v passed without name or address", request)
		}
		for _, line := range []string{request.Name, request.Organisation, request.JobTitle, request.Email.Original} {
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%q passed with a control character", line)
			}
		}
		return
	}
	for _, f := range err.(deltag.ValidationErrors) {
		if !i18n.For(deltag.LanguageDanish).Has("error." + f.Code) {
			t.Errorf("no words for %+v", f)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{
		"name=Anna&email=anna%40example.dk", "name=%zz", "a=b;c=d", "name=%00&email=%ff",
		"answers.emner=Ledelse&answers.emner=x&updates=on", "=&&==", "language=en&homepage=x&embed",
	} {
		f.Add(s)
	}
	e := webinar()
	e.Questions = questions()
	v := newClient(f, e)
	f.Fuzz(func(t *testing.T, body string) {
		request := func() *http.Request {
			r := httptest.NewRequest("POST", signUpPath, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = "" // no limit of sign-ups per network
			return r
		}
		r := request()
		err := web.WithForm(web.MaxBody, func(http.ResponseWriter, *http.Request) error {
			checkValidated(t, web.ReadSignUpForm(r.PostForm, e, deltag.LanguageDanish), e)
			return nil
		})(httptest.NewRecorder(), r)
		w := httptest.NewRecorder()
		v.site.ServeHTTP(w, request())
		switch w.Code {
		case http.StatusSeeOther, http.StatusUnprocessableEntity:
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if err == nil {
				t.Errorf("%q can be read, and was refused with %d", body, w.Code)
			}
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}
