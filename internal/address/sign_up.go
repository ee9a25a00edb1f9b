package address

import (
	"errors"
	"slices"

	"deltag/internal/deltag"
)

// ParseSignUp returns a sign-up to e, as somebody typed it, ready to be stored: normalized, with the address that
// Email.Original spells, and in e's language if it names none. ValidationErrors for everything that has to be corrected,
// in the order of the form.
func ParseSignUp(s deltag.SignUpRequest, e deltag.Event) (deltag.SignUpRequest, error) {
	var invalid, ofEmail deltag.ValidationErrors
	s = s.Normalize()
	if s.Language == "" {
		s.Language = e.Language
	}
	var err error
	s.Email, err = Parse(s.Email.Original)
	errors.As(err, &ofEmail)
	errors.As(s.Validate(e), &invalid)
	var ofName deltag.ValidationErrors
	switch {
	case invalid.ForField("name") != nil:
		ofName, invalid = invalid[:1], invalid[1:]
	case containsLink(s.Name): // the confirmation greets by name, at an address that may be somebody else's
		ofName = deltag.ValidationErrors{{Field: "name", Code: "link"}}
	}
	invalid = slices.Concat(ofName, ofEmail, invalid)
	if !s.Language.IsSupported() {
		invalid = append(invalid, deltag.FieldError{Field: "language", Code: "unknown-language"})
	}
	return s, invalid.Err()
}
