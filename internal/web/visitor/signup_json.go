package visitor

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

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

// publicSignUp answers the same to a first sign-up, a place on the waitlist and a repeated sign-up: see thanks.
func (s *site) publicSignUp(w http.ResponseWriter, r *http.Request) error {
	setCORSHeaders(w)
	body, err := web.ReadBody(w, r, "application/json")
	if err != nil {
		return err
	}
	input, err := parseSignUp(body)
	if err != nil {
		return err
	}
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	if input.Language == "" {
		input.Language = s.newPage(r, e.Language).Language
	}
	if err := s.submitSignUp(r, e, input); err != nil {
		return localizedError{err, input.Language}
	}
	key := "page.thanks.text"
	if e.Capacity != nil {
		key = "page.thanks.text-limited"
	}
	answer := map[string]string{"status": "received", "message": i18n.For(input.Language).Text(key)}
	return writeJSON(w, http.StatusAccepted, answer)
}

// parseSignUp reads one JSON object with the form's names. It goes key by key, so that an error names its field;
// encoding/json would ignore a key that comes twice.
func parseSignUp(body []byte) (signUpInput, error) {
	input := signUpInput{SignUpRequest: deltag.SignUpRequest{Answers: map[string][]string{}}}
	err := decodeObject(body, "", func(key string, raw json.RawMessage) error {
		switch key {
		case "name":
			return decodeValue(key, raw, &input.Name)
		case "email":
			return decodeValue(key, raw, &input.email)
		case "organisation":
			return decodeValue(key, raw, &input.Organisation)
		case "role":
			return decodeValue(key, raw, &input.Role)
		case "updates":
			return decodeValue(key, raw, &input.Updates)
		case "language":
			return decodeValue(key, raw, &input.Language)
		case "answers":
			return parseAnswers(raw, input.Answers)
		}
		return fieldProblem("unknown-field", key)
	})
	return input, err
}

func parseAnswers(raw json.RawMessage, into map[string][]string) error {
	switch raw[0] {
	case 'n':
		return nil
	case '{':
	default:
		return fieldProblem("wrong-type", "answers")
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
		if err := decodeValue(field, raw, &many); err != nil {
			return nil, err
		}
		all := make([]string, len(many))
		for i, one := range many {
			if one == nil {
				return nil, fieldProblem("wrong-type", field)
			}
			all[i] = *one
		}
		return all, nil
	}
	var one string
	err := decodeValue(field, raw, &one)
	return []string{one}, err
}

// decodeValue takes a value of the right type. Null leaves the field empty, which is what scripts often mean by it.
func decodeValue(field string, raw json.RawMessage, into any) error {
	if json.Unmarshal(raw, into) != nil {
		return fieldProblem("wrong-type", field)
	}
	return nil
}

// fieldProblem is a body that breaks the contract at one field.
func fieldProblem(code, field string) error {
	return web.Error{Status: http.StatusBadRequest, Code: code, Field: field}
}

// decodeObject calls decode for each key of the one JSON object that body must be, with prefix before the key.
func decodeObject(body []byte, prefix string, decode func(field string, raw json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return web.ErrMalformed
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return web.ErrMalformed
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return web.ErrMalformed
		}
		if seen[key] {
			return fieldProblem("twice", prefix+key)
		}
		seen[key] = true
		if err := decode(prefix+key, raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return web.ErrMalformed
	}
	if _, err := dec.Token(); err != io.EOF {
		return web.ErrMalformed
	}
	return nil
}
