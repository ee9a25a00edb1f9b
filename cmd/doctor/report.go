package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/smithy-go"
)

// A verdict is the result of a check.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictWarning verdict = "warning" // should be mended, but mail goes out
	verdictMissing verdict = "missing" // keeps mail from going out, or could not be checked
)

// A report prints one line for each check at once, and what to do about the faults at the end.
type report struct {
	out     io.Writer
	todo    []string
	missing bool
}

func (r *report) ok(subject, text string, args ...any) {
	r.line(verdictOK, subject, fmt.Sprintf(text, args...))
}

func (r *report) warning(subject, text, remedy string) {
	r.fault(verdictWarning, subject, text, remedy)
}

func (r *report) fault(v verdict, subject, text, remedy string) {
	r.line(v, subject, text)
	r.todo = append(r.todo, subject+": "+remedy)
	r.missing = r.missing || v == verdictMissing
}

func (r *report) lacks(subject, text, remedy string) { r.fault(verdictMissing, subject, text, remedy) }

// unread is for what AWS did not say.
func (r *report) unread(subject string, err error) {
	r.lacks(subject, "could not be read: "+brief(err), "let these credentials read it, and run this again.")
}

func (r *report) line(v verdict, subject, text string) {
	fmt.Fprintf(r.out, "%-8s %-20s %s\n", v, subject, text)
}

// conclude prints what to do. It returns errMissing if anything is missing.
func (r *report) conclude() error {
	if len(r.todo) > 0 {
		fmt.Fprintln(r.out, "\nWhat to do:")
	}
	for n, item := range r.todo {
		fmt.Fprintf(r.out, "%2d. %s\n", n+1, strings.ReplaceAll(item, "\n", "\n    "))
	}
	if r.missing {
		return errMissing
	}
	return nil
}

// brief is AWS's own code and words of an error, without the SDK's.
func brief(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// hasCode says whether AWS refused with one of these codes.
func hasCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}
