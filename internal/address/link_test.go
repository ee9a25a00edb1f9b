package address

import (
	"errors"
	"testing"

	"deltag/internal/deltag"
)

func TestNamesWithLinksAreRefused(t *testing.T) {
	for _, name := range []string{
		"Du har vundet! https://bad.example/win", "ftp://bad.example", "www.bad.example", "WWW.Bad", "mette@bad",
		"mette＠bad", "Hent gavekort på gavekort.dk nu", "gavekort.dk.", "GAVEKORT.DK/win?u=1", "(gave-kort.co.uk)",
		"gavekort.com:8080", "a_b.gavekort.org", "gavekort．com", "gavekort。com", "例子.中国", "bücher.рф", "ck.ck",
		"x.github.io", "gavekort.cand.med.dk", "1.dk",
	} {
		_, err := ParseSignUp(t.Context(), deltag.SignUpRequest{
			Name: name, Email: deltag.Address{Original: "mette@example.dk"}, Language: deltag.LanguageDanish,
		}, deltag.Event{}, nil)
		var invalid deltag.ValidationErrors
		if !errors.As(err, &invalid) || len(invalid) != 1 || invalid[0].Field != "name" || invalid[0].Code != "link" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNamesThatLookLikeNamesAreTaken(t *testing.T) {
	for _, name := range []string{
		"A.P. Møller", "A.P.Møller", "Jens P. Hansen", "J.P.E. Hartmann", "Dr. Hansen", "Dr.Hansen", "St. Bededag",
		"Anna Holm, M.Sc.", "dr.med. Bo Lund", "cand.it. Eva", "Ph.D. Eva Skov", "Hans-Jørgen d'Aquino", "Mette ... Holm",
		"O. K.", ".dk", "محمد", "山田太郎", "Bo/Kim",
	} {
		_, err := ParseSignUp(t.Context(), deltag.SignUpRequest{
			Name: name, Email: deltag.Address{Original: "mette@example.dk"}, Language: deltag.LanguageDanish,
			Organisation: "DR.dk", JobTitle: "redaktør, dr.dk/nyheder",
		}, deltag.Event{}, nil)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAFaultyNameIsOneFault(t *testing.T) {
	_, err := ParseSignUp(t.Context(), deltag.SignUpRequest{Name: "www.\u200bbad.example", Language: "xx"}, deltag.Event{}, nil)
	want := "invalid input: name: hidden-characters, email: missing, language: unknown-language"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = ParseSignUp(t.Context(), deltag.SignUpRequest{Name: "www.bad.example", Language: "xx"}, deltag.Event{}, nil)
	want = "invalid input: name: link, email: missing, language: unknown-language"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
