package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

// badRequest is the error for a body or parameters that can't be read.
func badRequest(err error) error { return fmt.Errorf("%w: %w", web.ErrBadRequest, err) }

// badField is badRequest for one field or parameter.
func badField(field, code string) error {
	return badRequest(deltag.ValidationErrors{{Field: field, Code: code}})
}

// titles say in a sentence what each code of web.ErrorFor means here.
var titles = map[string]string{
	"bad-request":            "The request can't be read.",
	"unauthorized":           "A valid access token is needed.",
	"forbidden":              "The access token's role does not allow this.",
	"not-found":              "There is nothing here.",
	"method-not-allowed":     "This address does not take this method.",
	"conflict":               "It has changed in the meantime. Read it again and repeat.",
	"closed":                 "The event takes no sign-ups now.",
	"full":                   "The event is full and has no waiting list.",
	"has-sign-ups":           "Somebody has signed up for the event. Cancel it instead.",
	"address-taken":          "Another registration of the event has this address.",
	"slug-taken":             "Another event has this slug. Choose another.",
	"changed":                "The event has changed since you read it.",
	"too-large":              "The body is too large.",
	"unsupported-media-type": "Send the body in a media type that the contract names.",
	"invalid":                "Some fields have to be corrected.",
	"too-many-sign-ups":      "There were too many sign-ups from this network within the hour.",
	"internal":               "Something went wrong here.",
	"unavailable":            "The store does not answer. Repeating the request is safe.",
}

// fail answers err as a problem document. What is unknown is a 500 with fixed words; its cause is logged.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) && invalid.ForField("cursor") != nil { // which only the store can check
		err = badRequest(err)
	}
	e := web.BeginError(w, r, s.Log, err)
	if e.Status == http.StatusBadRequest {
		e = web.ErrBadRequest // one code for all that can't be read; the fields have their own
	}
	title := cmp.Or(titles[e.Code], http.StatusText(e.Status))
	describe := i18n.For(deltag.LanguageEnglish).FieldError
	problem := web.NewProblem(e, title, invalid, describe)
	if taken := (deltag.AddressTakenError{}); errors.As(err, &taken) {
		f := taken.FieldError()
		problem.Errors = []web.ProblemField{{
			Field: f.Field, Code: f.Code, Detail: describe(f), RegistrationID: taken.RegistrationID,
		}}
	}
	web.WriteProblem(w, problem)
}

// badParameter is called by the generated code for a parameter of the wrong type, and a header that is there twice.
func (s *server) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	field := ""
	var format *InvalidParamFormatError
	var tooMany *TooManyValuesForParamError
	switch {
	case errors.As(err, &format):
		field = format.ParamName
	case errors.As(err, &tooMany):
		field = tooMany.ParamName
	}
	s.fail(w, r, badField(field, "bad-parameter"))
}
