package web

import (
	"net/http"

	"deltag/internal/deltag"
)

// A Problem is an error answer to a program (RFC 9457).
type Problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Code   string         `json:"code"`
	Detail string         `json:"detail,omitempty"`
	Errors []ProblemField `json:"errors,omitempty"`
}

// A ProblemField says what is wrong with one field.
type ProblemField struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// RegistrationID is the other registration that Code is about
	RegistrationID string `json:"registrationId,omitempty"`
}

// NewProblem is the document of an answer, with its title and what is wrong with single fields, in describe's words.
func NewProblem(
	answer Error, title string, invalid deltag.ValidationErrors, describe func(deltag.FieldError) string,
) Problem {
	p := Problem{Type: "about:blank", Title: title, Status: answer.Status, Code: answer.Code}
	for _, f := range invalid {
		p.Errors = append(p.Errors, ProblemField{Field: f.Field, Code: f.Code, Detail: describe(f)})
	}
	return p
}

// WriteProblem answers with p.
func WriteProblem(w http.ResponseWriter, p Problem) {
	writeJSON(w, "application/problem+json", p.Status, p)
}
