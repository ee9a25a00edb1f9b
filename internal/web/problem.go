package web

import "net/http"

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
}

// WriteProblem answers with p.
func WriteProblem(w http.ResponseWriter, p Problem) {
	p.Type = "about:blank"
	writeJSON(w, "application/problem+json", p.Status, p)
}
