package api

import (
	"errors"
	"strings"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// merge puts a merge patch (RFC 7396) onto e: what the patch does not name stays, null clears what may be empty. A new
// event is a patch onto the defaults. The Faults are all that is wrong with the result.
func merge(e deltag.Event, raw []byte) (deltag.Event, error) {
	p := editable(e)
	questions, reminders := p.Questions, p.Reminders
	if err := decode(raw, &p); err != nil {
		return e, err
	}
	fs := p.nulls()
	e.Slug, e.Title, e.Description = strings.TrimSpace(value(p.Slug)), strings.TrimSpace(value(p.Title)), value(p.Description)
	e.Language, e.TimeZone, e.Status = deltag.Language(value(p.Language)), value(p.TimeZone), deltag.EventStatus(value(p.Status))
	e.StartsAt, e.EndsAt = value(p.StartsAt).UTC(), value(p.EndsAt).UTC()
	e.Capacity, e.WaitingList, e.JoinURL = p.Capacity, value(p.WaitingList), value(p.JoinUrl)
	e.SignUpOpensAt, e.SignUpClosesAt = value(p.SignUpOpensAt).UTC(), value(p.SignUpClosesAt).UTC()
	e.RetentionDays, e.Organiser.Reminded = value(p.RetentionDays), value(p.RemindOrganiser)
	var err error
	if until := value(p.PromoteUntil); until == "" {
		e.PromoteUntil = 0
	} else if e.PromoteUntil, err = readOffset("promoteUntil", until); err != nil {
		fs = append(fs, under("", err)...)
	}
	if e.Slug == "" {
		e.Slug = slugOf(e.Title)
	}
	if o := value(p.Organiser); o.Email != e.Organiser.Email {
		a, err := address.Parse(o.Email)
		fs = append(fs, under("organiser.", err)...)
		e.Organiser.Email = a.ASCII()
	}
	e.Organiser.Name = strings.TrimSpace(value(p.Organiser).Name)
	if p.Questions != questions || *p.Questions != nil {
		e.Questions = readQuestions(value(p.Questions))
	}
	if p.Reminders != reminders || *p.Reminders != nil {
		e.Reminders, err = readReminders(value(p.Reminders))
		fs = append(fs, under("", err)...)
	}
	return e, append(fs, under("", check(e, fs))...).Err()
}

// check validates e, but for fields that are at fault already.
func check(e deltag.Event, known deltag.Faults) error {
	var more deltag.Faults
	for _, f := range under("", e.Validate()) {
		if known.On(f.Field) == nil {
			more = append(more, f)
		}
	}
	return more.Err()
}

// editable is what an organiser may set of e. The lists are empty, so that a patch that names them replaces them whole.
func editable(e deltag.Event) EventEdit {
	language, status := string(e.Language), string(e.Status)
	p := EventEdit{
		Slug: &e.Slug, Title: &e.Title, Description: &e.Description, Language: &language, TimeZone: &e.TimeZone,
		StartsAt: &e.StartsAt, EndsAt: &e.EndsAt, WaitingList: &e.WaitingList, JoinUrl: &e.JoinURL,
		Organiser:     &Organiser{Name: e.Organiser.Name, Email: e.Organiser.Email},
		SignUpOpensAt: &e.SignUpOpensAt, SignUpClosesAt: &e.SignUpClosesAt, RetentionDays: &e.RetentionDays, Status: &status,
		Questions: new([]Question), Reminders: new([]Reminder), RemindOrganiser: &e.Organiser.Reminded,
	}
	if e.PromoteUntil != 0 {
		until := e.PromoteUntil.String()
		p.PromoteUntil = &until
	}
	if e.Capacity != nil {
		capacity := *e.Capacity
		p.Capacity = &capacity
	}
	return p
}

// nulls are the fields that were set to null and can't be empty.
func (p EventEdit) nulls() (fs deltag.Faults) {
	for _, f := range []struct {
		name string
		gone bool
	}{
		{"slug", p.Slug == nil}, {"title", p.Title == nil}, {"language", p.Language == nil}, {"startsAt", p.StartsAt == nil},
		{"endsAt", p.EndsAt == nil}, {"timeZone", p.TimeZone == nil}, {"waitingList", p.WaitingList == nil},
		{"organiser", p.Organiser == nil}, {"retentionDays", p.RetentionDays == nil}, {"status", p.Status == nil},
	} {
		if f.gone {
			fs = append(fs, deltag.Fault{Field: f.name, Code: "missing"})
		}
	}
	return fs
}

func readQuestions(in []Question) []deltag.Question {
	var qs []deltag.Question
	for _, q := range in {
		qs = append(qs, deltag.Question{
			ID: q.Id, Kind: deltag.QuestionKind(q.Kind), Label: strings.TrimSpace(q.Label), Options: value(q.Options), Required: value(q.Required),
		})
	}
	return qs
}

func readReminders(in []Reminder) ([]deltag.Reminder, error) {
	var rs []deltag.Reminder
	for _, r := range in {
		offset, err := readOffset("reminders", r.Offset)
		if err != nil {
			return nil, err
		}
		kind := deltag.Kind(value(r.Kind))
		if kind == "" {
			kind = deltag.ReminderKind(offset)
		}
		rs = append(rs, deltag.Reminder{Kind: kind, Offset: offset, Text: value(r.Text)})
	}
	return rs, nil
}

// readOffset reads a field's duration.
func readOffset(field, text string) (deltag.Offset, error) {
	offset, err := deltag.ParseOffset(text)
	if err != nil {
		return 0, deltag.Faults{{Field: field, Code: "bad-offset"}}
	}
	return offset, nil
}

// under prefixes the fields of err, if it is about any.
func under(prefix string, err error) deltag.Faults {
	var fs deltag.Faults
	errors.As(err, &fs)
	for i := range fs {
		fs[i].Field = prefix + fs[i].Field
	}
	return fs
}

// value is what p points to, and else the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
