package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"deltag/internal/deltag"
)

// QuestionFields are the fields of e's questions, filled with answers.
func (p *Page) QuestionFields(e deltag.Event, answers map[string][]string) []Field {
	var fields []Field
	for _, q := range e.Questions {
		f := questionField(q, answers[q.ID])
		if e.Language != p.Language {
			f.LabelLanguage = e.Language
		}
		fields = append(fields, f)
	}
	return fields
}

func questionField(q deltag.Question, given []string) Field {
	f := Field{Name: "answers." + q.ID, Label: q.Label, Kind: "text", Required: q.Required,
		Value: strings.Join(given, ", ")}
	options := q.Options
	switch q.Kind {
	case deltag.QuestionLongText:
		f.Kind = "long"
	case deltag.QuestionChoice, deltag.QuestionMultipleChoice:
		f.Kind = string(q.Kind)
	case deltag.QuestionCheckbox:
		f.Kind, options = "checkbox", []string{deltag.CheckedValue}
	}
	for i, o := range options {
		id := f.Name // of the first option, so that links to the field find it
		if i > 0 {
			id += "." + strconv.Itoa(i+1)
		}
		f.Options = append(f.Options, Option{ID: id, Value: o, Selected: slices.Contains(given, o)})
	}
	return f
}

// checkedValues are what a ticked box may send: forms on other sites differ. Anything else is no consent.
var checkedValues = []string{deltag.CheckedValue, "on", "true", "1"}

// ReadSignUpForm reads a form. Fields that the event does not ask for are ignored: a question may have been removed
// while somebody was writing.
func ReadSignUpForm(form url.Values, e deltag.Event, l deltag.Language) deltag.SignUpRequest {
	typed := deltag.SignUpRequest{
		Name: form.Get("name"), Email: deltag.Address{Original: form.Get("email")},
		Organisation: form.Get("organisation"), JobTitle: form.Get("role"),
		AllowsNews: slices.Contains(checkedValues, form.Get("updates")), Language: l, Answers: map[string][]string{},
	}
	for _, q := range e.Questions {
		if given := form["answers."+q.ID]; len(given) > 0 {
			typed.Answers[q.ID] = readAnswer(q, given)
		}
	}
	return typed
}

func readAnswer(q deltag.Question, given []string) []string {
	given = slices.Clone(given)
	for i, v := range given {
		switch {
		case q.Kind == deltag.QuestionLongText:
			given[i] = strings.ReplaceAll(v, "\r\n", "\n") // browsers send line ends like this
		case q.Kind == deltag.QuestionCheckbox && v == "on":
			given[i] = deltag.CheckedValue // a box without a value, on another site's page
		}
	}
	return given
}

// WithAnsweredOptions is e with its questions turned so that each can hold the answer that was given, also when the
// organiser has changed the question since: saving one's name must not lose an answer.
func WithAnsweredOptions(e deltag.Event, reg deltag.Registration) deltag.Event {
	e.Questions = slices.Clone(e.Questions)
	for i := range e.Questions {
		q := &e.Questions[i]
		given := reg.Answers[q.ID]
		switch q.Kind {
		case deltag.QuestionChoice, deltag.QuestionMultipleChoice:
			if len(given) > 1 {
				q.Kind = deltag.QuestionMultipleChoice
			}
			q.Options = slices.Clone(q.Options)
			for _, g := range given {
				if !slices.Contains(q.Options, g) {
					q.Options = append(q.Options, g)
				}
			}
		case deltag.QuestionCheckbox, deltag.QuestionShortText:
			text := strings.Join(given, ", ")
			ticked := text == "" || text == deltag.CheckedValue
			long := strings.Contains(text, "\n") || len([]rune(text)) > deltag.MaxShortText
			switch {
			case q.Kind == deltag.QuestionCheckbox && ticked:
			case long:
				q.Kind = deltag.QuestionLongText
			default:
				q.Kind = deltag.QuestionShortText
			}
		}
	}
	return e
}
