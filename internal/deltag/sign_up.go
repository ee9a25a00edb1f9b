package deltag

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Limits of what a visitor may send, in characters.
const (
	MaxName      = 200
	MaxAddress   = 254 // octets, RFC 5321 4.5.3.1.3 less the brackets
	MaxShortText = 500
	MaxLongText  = 4000
)

// MaxSignUpsPerNetwork is how many sign-ups are accepted from one network in an hour. A whole municipality or ministry
// shares one address, but does not send that many people to one webinar.
const MaxSignUpsPerNetwork = 3200

// CheckedValue is the answer to a QuestionCheckbox that is ticked, in forms and as stored.
const CheckedValue = "yes"

// A SignUpRequest is what a visitor sends in the sign-up form.
type SignUpRequest struct {
	Name         string
	Email        Address
	Organisation string
	JobTitle     string
	AllowsNews   bool // the organiser may write about later events too
	Answers      map[string][]string
	Language     Language
	Network      string // that the request came from, never stored; "" if no limit applies
	ByOrganiser  bool   // the organiser adds the person: the address is not verified
	Source       string // where the organiser has the address from; "" if nobody said
	WithoutMail  bool   // the organiser wants no mail about the sign-up; later mail comes as to everybody
}

// TrimBlank trims white space, and the invisible characters that are often copied with a text.
func TrimBlank(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' })
}

// Normalize trims all fields and drops empty answers.
func (s SignUpRequest) Normalize() SignUpRequest {
	s.Name = TrimBlank(s.Name)
	s.Organisation = TrimBlank(s.Organisation)
	s.JobTitle = TrimBlank(s.JobTitle)
	s.Source = TrimBlank(s.Source)
	answers := map[string][]string{}
	for id, values := range s.Answers {
		var kept []string
		for _, v := range values {
			if v = TrimBlank(v); v != "" {
				kept = append(kept, v)
			}
		}
		if len(kept) > 0 {
			answers[id] = kept
		}
	}
	s.Answers = answers
	return s
}

// Validate returns ValidationErrors for everything that the visitor has to correct, in the order of the form. The
// address is not validated: package address does that when it parses one.
func (s SignUpRequest) Validate(e Event) error {
	var v validator
	v.checkLine("name", s.Name, 1, MaxName)
	v.checkLine("organisation", s.Organisation, 0, MaxName)
	v.checkLine("role", s.JobTitle, 0, MaxName)
	for _, q := range e.Questions {
		q.validateAnswer(&v, s.Answers[q.ID])
	}
	for _, id := range slices.Sorted(maps.Keys(s.Answers)) {
		_, known := e.Question(id)
		v.require(known, "answers."+id, "unknown-question")
	}
	return ValidationErrors(v).Err()
}

// ValidateSource returns ValidationErrors unless an organiser has said where they have addresses from: whoever they add
// without having been asked is told (article 14 of the GDPR).
func ValidateSource(source string) error {
	var v validator
	v.checkLine("source", source, 1, MaxName)
	return ValidationErrors(v).Err()
}

func (q Question) validateAnswer(v *validator, answer []string) {
	field := "answers." + q.ID
	if len(answer) == 0 {
		v.require(!q.Required, field, "missing")
		return
	}
	v.requireLimit(q.Kind == QuestionMultipleChoice || len(answer) == 1, field, "too-many", 1)
	for _, value := range answer {
		switch q.Kind {
		case QuestionLongText:
			v.checkText(field, value, MaxLongText)
		case QuestionChoice, QuestionMultipleChoice:
			v.require(slices.Contains(q.Options, value), field, "unknown-option")
		case QuestionCheckbox:
			v.require(value == CheckedValue, field, "unknown-option")
		default:
			v.checkLine(field, value, 0, MaxShortText)
		}
	}
}

// A SignUpOutcome is the result of a sign-up.
type SignUpOutcome string

const (
	OutcomeConfirmed         SignUpOutcome = "confirmed"
	OutcomeWaitlisted        SignUpOutcome = "waiting"
	OutcomeUnverified        SignUpOutcome = "unverified" // by network and event alone, never by the address
	OutcomeAlreadyRegistered SignUpOutcome = "repeated"   // nothing has changed but perhaps a mail sent again
)
