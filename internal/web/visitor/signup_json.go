package visitor

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

// The JSON sign-up is for forms that other sites build themselves. Any site may call it: it takes no cookie, and can do
// no more than the form can.

func (s *site) preflight(w http.ResponseWriter, _ *http.Request) error {
	setCORSHeaders(w)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", "86400") // a day, in seconds
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func setCORSHeaders(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
}

// publicSignUp answers the same to a first sign-up, a place on the waitlist and a repeated sign-up: see thanks. The
// status is "unverified" if the button in the mail has to be pressed, and "received" otherwise.
func (s *site) publicSignUp(w http.ResponseWriter, r *http.Request) error {
	setCORSHeaders(w)
	body, err := web.ReadBody(w, r, "application/json")
	if err != nil {
		return err
	}
	typed, err := parseSignUp(body)
	if err != nil {
		return err
	}
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	if typed.Language == "" {
		typed.Language = s.newPage(r, e.Language).Language
	}
	outcome, err := s.submitSignUp(r, e, typed, s.Now())
	if err != nil {
		return localizedError{err, typed.Language}
	}
	status, verify := "received", outcome == deltag.OutcomeUnverified
	if verify {
		status = string(outcome)
	}
	message := i18n.For(typed.Language).Text("page.thanks.text" + thanksVariant(e, verify))
	answer := map[string]string{"status": status, "message": message}
	web.WriteJSON(w, http.StatusAccepted, answer)
	return nil
}

// A publicSignUp has the names of the form's fields. Null leaves a field empty, which is what scripts often mean by it.
type publicSignUp struct {
	Name         string            `json:"name"`
	Email        string            `json:"email"`
	Organisation string            `json:"organisation"`
	Role         string            `json:"role"`
	Updates      bool              `json:"updates"`
	Language     deltag.Language   `json:"language"`
	Answers      map[string]answer `json:"answers"`
}

// An answer is a text, several texts, or a tick as true or false.
type answer []string

func (a *answer) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case 't':
		*a = answer{deltag.CheckedValue}
		return nil
	case 'f', 'n':
		return nil
	case '"':
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	var texts []*string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return err
	}
	for _, text := range texts {
		if text == nil {
			return errors.New("null is no answer")
		}
		*a = append(*a, *text)
	}
	return nil
}

func parseSignUp(body []byte) (deltag.SignUpRequest, error) {
	var in publicSignUp
	err := web.DecodeJSON(body, &in)
	typed := deltag.SignUpRequest{
		Name: in.Name, Email: deltag.Address{Original: in.Email}, Organisation: in.Organisation, JobTitle: in.Role,
		AllowsNews: in.Updates, Language: in.Language, Answers: map[string][]string{},
	}
	for id, given := range in.Answers {
		typed.Answers[id] = given
	}
	return typed, err
}
