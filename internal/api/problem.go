package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"deltag/internal/deltag"
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
	"slug-taken":             "Another event has this slug. Choose another.",
	"changed":                "The event has changed since you read it.",
	"too-large":              "The body is larger than 64 KiB.",
	"unsupported-media-type": "Send the body as application/json.",
	"invalid":                "Some fields have to be corrected.",
	"too-many-mails":         "The address has had as many mails as it can get in one day.",
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
	p := web.Problem{Title: cmp.Or(titles[e.Code], http.StatusText(e.Status)), Status: e.Status, Code: e.Code}
	for _, f := range invalid {
		p.Errors = append(p.Errors, web.ProblemField{Field: f.Field, Code: f.Code, Detail: detail(f)})
	}
	web.WriteProblem(w, p)
}

// badParameter is called by the generated code for parameters of the wrong type.
func (s *server) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	field := "query"
	var format *InvalidParamFormatError
	var required *RequiredHeaderError
	switch {
	case errors.As(err, &format):
		field = format.ParamName
	case errors.As(err, &required):
		field = required.ParamName
	}
	s.fail(w, r, badField(field, "bad-parameter"))
}

// details explain the codes of fields to the programmer who reads the answer; programs go by the code.
var details = map[string]string{
	"missing":            "is required",
	"too-long":           "has more than %d characters",
	"too-many":           "has more than %d",
	"bad-characters":     "has control characters or is not UTF-8",
	"unknown-field":      "is not a known field",
	"wrong-type":         "has the wrong type",
	"bad-json":           "is not JSON",
	"trailing-data":      "has something after the JSON",
	"bad-parameter":      "is missing or can't be read",
	"bad-cursor":         "is not the next of an earlier answer",
	"slug-form":          "has to be a–z, 0–9 and hyphens, at most %d",
	"unknown-language":   "has to be da or en",
	"not-after-start":    "has to be after startsAt",
	"unknown-zone":       "is not an IANA time zone",
	"out-of-range":       "has to be from 1 to %d",
	"not-https":          "has to be an https URL",
	"not-after-open":     "has to be after signUpOpensAt",
	"unknown-status":     "is not a status",
	"cancelled-is-final": "is cancelled, which is final; clone the event instead",
	"use-cancel":         "is set to cancelled by POST …/cancel",
	"question-id":        "needs an id of a–z, 0–9 and hyphens, at most %d",
	"twice":              "is there twice",
	"no-options":         "needs options",
	"has-options":        "has options, which its kind does not take",
	"unknown-kind":       "has an unknown kind",
	"offset-range":       "has to be at most 60 days before the start, or after the end for a follow-up",
	"kind-offset":        "has a kind that does not go with its offset",
	"bad-offset":         "is not a duration like -P1D or -PT1H",
	"unknown-option":     "is not one of the options",
	"unknown-question":   "is not one of the event's questions",
	"unknown-audience":   "has to be all, confirmed, waiting, attended or missed",
	"key-reused":         "was used for another message",
	"only-cancelled":     "can only be set to cancelled",
	"alone":              "is changed in a request of its own",
	"too-early":          "is too long ago",
	"too-late":           "is too far ahead",
	"key-length":         "has to have 8 to 100 characters",
	"no-notice":          "is not there: no mail about an edit is waiting to be sent",
}

func detail(f deltag.FieldError) string {
	text, known := details[f.Code]
	if reason, ok := strings.CutPrefix(f.Code, "address-"); ok && !known {
		return "is not an address that mail can be sent to: " + strings.ReplaceAll(reason, "-", " ")
	}
	if !known {
		return f.Code
	}
	if f.Limit > 0 {
		return fmt.Sprintf(text, f.Limit)
	}
	return text
}
