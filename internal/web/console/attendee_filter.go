package console

import (
	"net/url"
	"slices"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A filter is a field to filter the list by.
type filter struct {
	Name, Label, Value string
	LabelLanguage      deltag.Language
	Options            []web.Option // none: the value is typed
	HasNot, Not        bool         // can be turned round, and is
}

// attendeeValues are what the address of the list says about it: what is empty, and what is about this page alone, is
// left out, so that the same list always has the same address.
func attendeeValues(query url.Values) url.Values {
	known := []string{"q", "status", "mail", "attended", "updates", "not", "sort", "cursor", "columns"}
	values := url.Values{}
	for name, all := range query {
		isFilter := slices.Contains(known, name)
		for _, value := range all {
			if value != "" && (isFilter || strings.HasPrefix(name, "answers.")) {
				values.Add(name, value)
			}
		}
	}
	return values
}

func withQuery(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// with is values with another one.
func with(values url.Values, name, value string) url.Values {
	values = without(values, name)
	values.Set(name, value)
	return values
}

// without is values without one.
func without(values url.Values, name string) url.Values {
	rest := url.Values{}
	for other, all := range values {
		if other != name {
			rest[other] = all
		}
	}
	return rest
}

// only is one of values.
func only(values url.Values, name string) url.Values {
	rest := url.Values{}
	if all, ok := values[name]; ok {
		rest[name] = all
	}
	return rest
}

// filters are the fields of all filters, as they are set.
func (p *page) filters(e deltag.Event, q organiser.AttendeeQuery) []filter {
	var statuses, mails []string
	for _, s := range deltag.RegistrationStatuses {
		statuses = append(statuses, string(s))
	}
	for _, s := range []deltag.AddressStatus{
		deltag.AddressOK, deltag.AddressBounced, deltag.AddressComplained, deltag.AddressUnsubscribed,
	} {
		mails = append(mails, string(s))
	}
	all := []filter{
		p.choice("status", string(q.Status), statuses, "csv.status."),
		p.choice("mail", string(q.Mail), mails, "csv.mail."),
		p.choice("attended", yesNo(q.Attended), []string{"yes", "no"}, "csv."),
		p.choice("updates", yesNo(q.Updates), []string{"yes", "no"}, "csv."),
	}
	all[0].HasNot, all[1].HasNot = true, true
	for _, question := range e.Questions {
		f := filter{
			Name: "answers." + question.ID, Label: question.Label, Value: q.Answers[question.ID], HasNot: true,
			Options: p.answerOptions(question, q.Answers[question.ID]),
		}
		if e.Language != p.Language {
			f.LabelLanguage = e.Language
		}
		all = append(all, f)
	}
	for i := range all {
		all[i].Not = slices.Contains(q.Not, all[i].Name)
	}
	return all
}

// choice is a filter whose values have words.
func (p *page) choice(name, chosen string, values []string, words string) filter {
	f := filter{Name: name, Label: p.Text("console.attendees.filter." + name)}
	for _, value := range values {
		f.Options = append(f.Options, web.Option{Value: value, Label: p.Text(words + value), Selected: value == chosen})
	}
	return f
}

// answerOptions are the answers to a question that can be chosen, and none of them. Nil: the answer is a text.
func (p *page) answerOptions(q deltag.Question, chosen string) (options []web.Option) {
	add := func(value, label string) {
		options = append(options, web.Option{Value: value, Label: label, Selected: value == chosen})
	}
	switch q.Kind {
	case deltag.QuestionShortText, deltag.QuestionLongText:
		return nil
	case deltag.QuestionCheckbox:
		add(deltag.CheckedValue, p.Text("csv.yes"))
		add(organiser.NoAnswer, p.Text("csv.no"))
		return options
	}
	for _, option := range q.Options {
		add(option, option)
	}
	add(organiser.NoAnswer, p.Text("console.attendees.no-answer"))
	return options
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return "yes"
	}
	return "no"
}
