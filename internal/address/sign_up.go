package address

import (
	"context"
	"errors"
	"slices"

	"deltag/internal/deltag"
)

// A DomainCheck says whether a domain, in lower-case ASCII, can receive mail. nil says so of all.
type DomainCheck func(ctx context.Context, domain string) bool

// Except is check for all domains but one, which has received mail already.
func (check DomainCheck) Except(known string) DomainCheck {
	return func(ctx context.Context, domain string) bool {
		return check == nil || domain == known || check(ctx, domain)
	}
}

// ParseSignUp returns a sign-up to e, as somebody typed it, ready to be stored: normalized, with the address that
// Email.Original spells, and in e's language if it names none. ValidationErrors for everything that has to be corrected,
// in the order of the form.
func ParseSignUp(
	ctx context.Context, s deltag.SignUpRequest, e deltag.Event, check DomainCheck,
) (deltag.SignUpRequest, error) {
	var others, ofEmail deltag.ValidationErrors
	s = s.Normalize()
	if s.Language == "" {
		s.Language = e.Language
	}
	var err error
	s.Email, err = Parse(s.Email.Original)
	if err == nil && check != nil && !check(ctx, s.Email.Domain()) {
		s.Email, err = deltag.Address{}, noMail(s.Email)
	}
	errors.As(err, &ofEmail)
	errors.As(s.Validate(e), &others)
	var ofName deltag.ValidationErrors
	switch {
	case others.ForField("name") != nil:
		ofName, others = others[:1], others[1:]
	case containsLink(s.Name): // the confirmation greets by name, at an address that may be somebody else's
		ofName = deltag.ValidationErrors{{Field: "name", Code: "link"}}
	}
	all := slices.Concat(ofName, ofEmail, others)
	if !s.Language.IsSupported() {
		all = append(all, deltag.FieldError{Field: "language", Code: "unknown-language"})
	}
	return s, all.Err()
}

// noMail is the error of an address whose domain receives no mail.
func noMail(a deltag.Address) error {
	return deltag.ValidationErrors{{Field: "email", Code: "address-no-mail", Proposal: Propose(a)}}
}
