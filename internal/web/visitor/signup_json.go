package visitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// The JSON sign-up is for forms that other sites build themselves. Any site may call it: it carries
// no cookie, and can do no more than the form can.

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

// publicSignUp answers the same for a first sign-up, a place in line and a repeated one: the mail tells.
func (s *site) publicSignUp(w http.ResponseWriter, r *http.Request) error {
	setCORSHeaders(w)
	body, err := readBody(w, r, "application/json")
	if err != nil {
		return err
	}
	n, err := parseSignUpForm(body)
	if err != nil {
		return err
	}
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	if n.Language == "" {
		n.Language = s.newPage(r, e.Language).Language
	}
	if err := s.submitJSON(w, r, e, n); err != nil {
		return localizedError{err, n.Language}
	}
	return nil
}

func (s *site) submitJSON(w http.ResponseWriter, r *http.Request, e deltag.Event, n signUpInput) error {
	now := s.Now()
	if state := e.SignUpStateAt(now); state != deltag.SignUpOpen {
		return httpError{status: http.StatusConflict, code: string(state)}
	}
	su, faults := n.validate(e)
	if !n.Language.IsSupported() {
		faults = append(faults, deltag.FieldError{Field: "language", Code: "unknown-language"})
	}
	words := i18n.For(n.Language)
	if len(faults) > 0 {
		s.writeValidationProblem(w, words, faults)
		return nil
	}
	su.Network = networkPrefix(r)
	if _, err := s.Store.SignUp(r.Context(), e, su, now); err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	return writeAccepted(w, words, e)
}

func writeAccepted(w http.ResponseWriter, words *i18n.Catalog, e deltag.Event) error {
	key := "page.thanks.text"
	if e.Capacity != nil {
		key = "page.thanks.text-limited"
	}
	body, err := json.Marshal(map[string]string{"status": "received", "message": words.Text(key)})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(body)
	return nil
}

func (s *site) writeValidationProblem(w http.ResponseWriter, words *i18n.Catalog, faults deltag.ValidationErrors) {
	p := page{Catalog: words}
	d := problemDocument{Status: http.StatusUnprocessableEntity, Code: "invalid", Title: words.Text("page.error.invalid.title")}
	for _, f := range faults {
		d.Errors = append(d.Errors, problemFault{Field: f.Field, Code: f.Code, Detail: p.errorText(f, "")})
	}
	s.writeProblem(w, d)
}

// parseSignUpForm reads one JSON object with the form's names. It goes key by key, so that a mistake can be
// told with the field it is in; encoding/json would pass over a key that comes twice.
func parseSignUpForm(body []byte) (signUpInput, error) {
	n := signUpInput{SignUpRequest: deltag.SignUpRequest{Answers: map[string][]string{}}}
	err := decodeObject(body, "", func(key string, raw json.RawMessage) error {
		switch key {
		case "name":
			return read(key, raw, &n.Name)
		case "email":
			return read(key, raw, &n.email)
		case "organisation":
			return read(key, raw, &n.Organisation)
		case "role":
			return read(key, raw, &n.Role)
		case "updates":
			return read(key, raw, &n.Updates)
		case "language":
			return read(key, raw, &n.Language)
		case "answers":
			return parseAnswers(raw, n.Answers)
		}
		return httpError{status: http.StatusBadRequest, code: "unknown-field", field: key}
	})
	return n, err
}

func parseAnswers(raw json.RawMessage, into map[string][]string) error {
	switch raw[0] {
	case 'n':
		return nil
	case '{':
	default:
		return wrongType("answers")
	}
	return decodeObject(raw, "answers.", func(field string, raw json.RawMessage) error {
		answer, err := parseAnswer(field, raw)
		into[strings.TrimPrefix(field, "answers.")] = answer
		return err
	})
}

// parseAnswer reads a text, several texts, or a tick as true or false.
func parseAnswer(field string, raw json.RawMessage) ([]string, error) {
	switch raw[0] {
	case 't':
		return []string{deltag.CheckedValue}, nil
	case 'f', 'n':
		return nil, nil
	case '[':
		var many []*string
		if err := read(field, raw, &many); err != nil {
			return nil, err
		}
		all := make([]string, len(many))
		for i, one := range many {
			if one == nil {
				return nil, wrongType(field)
			}
			all[i] = *one
		}
		return all, nil
	}
	var one string
	err := read(field, raw, &one)
	return []string{one}, err
}

// read takes a value of the right type. Null leaves the field empty: many a script sends it for that.
func read(field string, raw json.RawMessage, into any) error {
	if json.Unmarshal(raw, into) != nil {
		return wrongType(field)
	}
	return nil
}

func wrongType(field string) error {
	return httpError{status: http.StatusBadRequest, code: "wrong-type", field: field}
}

// decodeObject goes through the one JSON object that body must be, whose keys are named after prefix.
func decodeObject(body []byte, prefix string, do func(field string, raw json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errMalformed
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return errMalformed
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return errMalformed
		}
		if seen[key] {
			return httpError{status: http.StatusBadRequest, code: "twice", field: prefix + key}
		}
		seen[key] = true
		if err := do(prefix+key, raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return errMalformed
	}
	if _, err := dec.Token(); err != io.EOF {
		return errMalformed
	}
	return nil
}
