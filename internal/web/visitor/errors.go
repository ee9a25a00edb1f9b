package visitor

import (
	"errors"
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

// renderError answers with a page for people.
func (s *site) renderError(w http.ResponseWriter, r *http.Request, err error) {
	answer := web.BeginError(w, r, s.Log, err)
	p := s.newPage(r, deltag.Languages[0])
	switch answer.Code {
	case "bad-link":
		err = s.renderInvalidLink(w, r, p, answer.Status, "invalid-link")
	case "link-expired":
		err = s.renderInvalidLink(w, r, p, answer.Status, "expired-link")
	case "unavailable", "conflict":
		err = p.renderRetry(w, r, answer)
	default:
		if answer.Status != http.StatusNotFound {
			p.Path = formPath(r)
		}
		err = p.renderMessage(w, answer.Status, "error."+answer.Code)
	}
	if err != nil {
		s.Log.ErrorContext(r.Context(), "no page for a failed request", "route", r.Pattern, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
	}
}

// renderProblem answers with a problem document for programs.
func (s *site) renderProblem(w http.ResponseWriter, r *http.Request, err error) {
	answer := web.BeginError(w, r, s.Log, err)
	words := i18n.For(problemLanguage(r, err))
	key := "page.error." + answer.Code
	var invalid deltag.ValidationErrors
	if answer != web.ErrMalformed {
		errors.As(err, &invalid)
	}
	p := web.NewProblem(answer, words.Text(key+".title"), invalid, func(f deltag.FieldError) string {
		return web.FieldErrorText(words, f, "")
	})
	if words.Has(key + ".text") {
		p.Detail = words.Text(key + ".text")
	}
	web.WriteProblem(w, p)
}

// A localizedError is an error after the reader's language has become known.
type localizedError struct {
	error
	language deltag.Language
}

func (e localizedError) Unwrap() error { return e.error }

func problemLanguage(r *http.Request, err error) deltag.Language {
	var localized localizedError
	if errors.As(err, &localized) {
		return localized.language
	}
	if l, chosen := web.ChosenLanguage(r); chosen {
		return l
	}
	return deltag.LanguageEnglish // only the program's author will read it
}
