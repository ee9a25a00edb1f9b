package web

import (
	"encoding/json"
	"net/http"
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
}

// WriteProblem answers with p.
func WriteProblem(w http.ResponseWriter, p Problem) {
	p.Type = "about:blank"
	body, err := json.Marshal(p)
	if err != nil {
		body, p.Status = []byte(`{"type":"about:blank","status":500,"code":"internal"}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}
