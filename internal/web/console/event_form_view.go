package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

// reminderOffsets are those that the form offers, beside those that the event has.
var reminderOffsets = []string{"-P7D", "-P2D", "-P1D", "-PT1H", "-PT10M"}

// An eventFormView is the form of an event.
type eventFormView struct {
	Form      *web.Form
	Revision  string
	Key       string // the id of a new event
	Groups    []fieldGroup
	Questions []questionRowView
	Preview   []frame  // empty while too little is typed
	Stored    []string // the questions that somebody else has saved meanwhile, if they differ
}

// A fieldGroup is a part of the form under a heading. The last ones are folded in.
type fieldGroup struct {
	Title  string
	Folded bool
	Fields []web.Field
}

type questionRowView struct {
	Row, ID, Label, Kind, Options, Error string
	Number                               int
	Required                             bool
}

// eventFormView fills the form with values.
func (p *page) eventFormView(v url.Values, invalid deltag.ValidationErrors, isNew bool) *eventFormView {
	field := func(name, kind string, required bool) web.Field {
		f := web.Field{Name: name, Kind: kind, Required: required, Value: v.Get(name), Label: p.Text("console.event." + name)}
		if hint := "console.event." + name + ".hint"; p.Has(hint) {
			f.Hint = p.Text(hint)
		}
		if kind == "datetime-local" && f.Value != "" {
			if _, ok := parseLocalTime(f.Value, time.UTC); !ok {
				f.Kind = "text" // a field for times would not keep it
			}
		}
		return f
	}
	choice := func(name string, values ...string) web.Field {
		f := field(name, "choice", true)
		for i, value := range values {
			id := name
			if i > 0 {
				id += "." + value
			}
			f.Options = append(f.Options, web.Option{
				ID: id, Value: value, Label: p.Text("console.event." + name + "." + value), Selected: v.Get(name) == value,
			})
		}
		return f
	}
	tick := func(name string) web.Field {
		f := field(name, "checkbox", false)
		f.Options = []web.Option{{ID: name, Value: deltag.CheckedValue, Selected: v.Get(name) == deltag.CheckedValue}}
		return f
	}
	groups := []fieldGroup{
		{Fields: []web.Field{
			field("title", "text", true), field("startsAt", "datetime-local", true), field("endsAt", "datetime-local", true),
			field("description", "long", false), field("joinUrl", "url", false),
		}},
		{Title: p.Text("console.event.group.organiser"), Fields: []web.Field{
			field("organiser.name", "text", true), field("organiser.email", "email", true), tick("remindOrganiser"), tick("dailyNote"),
		}},
		{Title: p.Text("console.event.group.places"), Fields: []web.Field{
			field("capacity", "text", false), tick("waitingList"),
		}},
		{Title: p.Text("console.event.group.reminders"), Fields: []web.Field{p.remindersField(v["reminders"])}},
		{Title: p.Text("console.event.group.more"), Folded: true, Fields: []web.Field{
			field("slug", "text", false), choice("language", "da", "en"), field("timeZone", "text", true),
			field("signUpOpensAt", "datetime-local", false), field("signUpClosesAt", "datetime-local", false),
			choice("verify", "auto", "always", "never"), field("retentionDays", "text", true),
		}},
	}
	if isNew {
		groups = append(groups, fieldGroup{Title: p.Text("console.event.group.status"), Fields: []web.Field{
			choice("status", "draft", "open"),
		}})
	}
	var fields []web.Field
	for _, g := range groups {
		fields = append(fields, g.Fields...)
	}
	view := &eventFormView{Revision: v.Get("revision"), Key: v.Get("key"), Questions: p.questionRows(v)}
	for i := range invalid {
		if strings.HasPrefix(invalid[i].Field, "reminders.") {
			invalid[i].Field = "reminders"
		}
	}
	view.Form = p.NewForm(fields, invalid)
	p.addOtherFaults(view, invalid)
	for i, n := 0, 0; i < len(groups); i++ {
		groups[i].Fields = fields[n : n+len(groups[i].Fields)]
		n += len(groups[i].Fields)
		groups[i].Folded = groups[i].Folded &&
			!slices.ContainsFunc(groups[i].Fields, func(f web.Field) bool { return f.Error != "" })
	}
	view.Groups = groups
	return view
}

// remindersField offers the usual times, and those that the event has.
func (p *page) remindersField(chosen []string) web.Field {
	f := web.Field{Name: "reminders", Kind: "multiple", Label: p.Text("console.event.reminders")}
	offsets := slices.Clone(reminderOffsets)
	for _, o := range chosen {
		if !slices.Contains(offsets, o) {
			offsets = append(offsets, o)
		}
	}
	for i, text := range offsets {
		id := "reminders"
		if i > 0 {
			id += "." + strconv.Itoa(i+1)
		}
		f.Options = append(f.Options, web.Option{
			ID: id, Value: text, Label: p.offsetText(text), Selected: slices.Contains(chosen, text),
		})
	}
	return f
}

// offsetText is an offset from the start in words: "1 time før".
func (p *page) offsetText(text string) string {
	offset, err := deltag.ParseOffset(text)
	if err != nil {
		return text
	}
	if offset == 0 {
		return p.Text("console.event.at-start")
	}
	return p.Text("console.event.before-start", "time", p.Remaining(-time.Duration(offset)))
}

// questionRows are the questions with a few empty rows.
func (p *page) questionRows(v url.Values) []questionRowView {
	var rows []questionRowView
	for n := range deltag.MaxQuestions + newQuestions {
		if v.Has(questionRow(n) + "label") {
			rows = make([]questionRowView, n+1) // also if one before is missing
		}
	}
	empty := 0
	for n := range rows {
		row := questionRow(n)
		rows[n] = questionRowView{
			Row: row, Number: n + 1, ID: v.Get(row + "id"), Label: v.Get(row + "label"), Kind: v.Get(row + "kind"),
			Options: v.Get(row + "options"), Required: v.Get(row+"required") == deltag.CheckedValue,
		}
		if rows[n].Label == "" {
			empty++
		}
	}
	for _, q := range readQuestions(v) {
		rows[q.row].ID = q.ID // of a new one, too: it keeps it when its text is corrected
	}
	for len(rows) < deltag.MaxQuestions && empty < newQuestions {
		rows = append(rows, questionRowView{Row: questionRow(len(rows)), Number: len(rows) + 1})
		empty++
	}
	return rows
}

// showStored says in each field that differs what is stored.
func (p *page) showStored(view *eventFormView, stored, typed url.Values) {
	for _, g := range view.Groups {
		for i, f := range g.Fields {
			was, is := p.valueText(f, stored[f.Name]), p.valueText(f, typed[f.Name])
			if was != is {
				g.Fields[i].Hint = p.Text("console.event.stored-value", "value", was)
			}
		}
	}
	was, is := readQuestions(stored), readQuestions(typed)
	if slices.EqualFunc(was, is, func(a, b numberedQuestion) bool {
		return a.Label == b.Label && a.Kind == b.Kind && a.Required == b.Required && slices.Equal(a.Options, b.Options)
	}) {
		return
	}
	for _, q := range was {
		view.Stored = append(view.Stored, q.Label)
	}
	if len(was) == 0 {
		view.Stored = []string{p.Text("console.event.stored-none")}
	}
}

// valueText is what a field holds, in words.
func (p *page) valueText(f web.Field, values []string) string {
	switch f.Kind {
	case "checkbox":
		if slices.Contains(values, deltag.CheckedValue) {
			return p.Text("console.event.stored-yes")
		}
		return p.Text("console.event.stored-no")
	case "choice", "multiple":
		var chosen []string
		for _, o := range f.Options {
			if slices.Contains(values, o.Value) {
				chosen = append(chosen, o.Label)
			}
		}
		return strings.Join(chosen, ", ")
	}
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(values, ", "), "\r\n", "\n"))
}

// addOtherFaults shows the faults of questions beside them, and those of no field above the form.
func (p *page) addOtherFaults(view *eventFormView, invalid deltag.ValidationErrors) {
	for _, fault := range invalid {
		text := p.FieldError(fault)
		if slices.ContainsFunc(view.Form.Fields, func(f web.Field) bool { return f.Name == fault.Field }) {
			continue
		}
		p.HasErrors = true
		i := slices.IndexFunc(view.Questions, func(q questionRowView) bool { return fault.Field == "questions."+q.ID })
		if i < 0 {
			view.Form.Error = strings.TrimSpace(view.Form.Error + " " + text)
			continue
		}
		view.Questions[i].Error = text
		view.Form.Errors = append(view.Form.Errors, web.FieldMessage{
			ID: view.Questions[i].Row + "label", Label: view.Questions[i].Label, Text: text,
		})
	}
}

// QuestionKinds are those that the form offers.
func (p *page) QuestionKinds() []string {
	return []string{
		string(deltag.QuestionShortText), string(deltag.QuestionLongText), string(deltag.QuestionChoice),
		string(deltag.QuestionMultipleChoice), string(deltag.QuestionCheckbox),
	}
}
