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
	p := patchBase(e)
	questions, reminders := p.Questions, p.Reminders
	if err := decode(raw, &p); err != nil {
		return e, err
	}
	fs := p.requiredNulls()
	e.Slug, e.Title, e.Description = strings.TrimSpace(deref(p.Slug)), strings.TrimSpace(deref(p.Title)), deref(p.Description)
	e.Language, e.TimeZone, e.Status = deltag.Language(deref(p.Language)), deref(p.TimeZone), deltag.EventStatus(deref(p.Status))
	e.StartsAt, e.EndsAt = deref(p.StartsAt).UTC(), deref(p.EndsAt).UTC()
	e.Capacity, e.HasWaitlist, e.JoinURL = p.Capacity, deref(p.WaitingList), deref(p.JoinUrl)
	e.SignUpOpensAt, e.SignUpClosesAt = deref(p.SignUpOpensAt).UTC(), deref(p.SignUpClosesAt).UTC()
	e.RetentionDays, e.Organiser.ReceivesReminders = deref(p.RetentionDays), deref(p.RemindOrganiser)
	var err error
	if until := deref(p.PromoteUntil); until == "" {
		e.PromotionCutoff = 0
	} else if e.PromotionCutoff, err = readOffset("promoteUntil", until); err != nil {
		fs = append(fs, prefixFields("", err)...)
	}
	if e.Slug == "" {
		e.Slug = slugOf(e.Title)
	}
	if o := deref(p.Organiser); o.Email != e.Organiser.Email {
		a, err := address.Parse(o.Email)
		fs = append(fs, prefixFields("organiser.", err)...)
		e.Organiser.Email = a.ASCII()
	}
	e.Organiser.Name = strings.TrimSpace(deref(p.Organiser).Name)
	if p.Questions != questions || *p.Questions != nil {
		e.Questions = readQuestions(deref(p.Questions))
	}
	if p.Reminders != reminders || *p.Reminders != nil {
		e.Reminders, err = readReminders(deref(p.Reminders))
		fs = append(fs, prefixFields("", err)...)
	}
	return e, append(fs, prefixFields("", check(e, fs))...).Err()
}

// check validates e, but for fields that are at fault already.
func check(e deltag.Event, known deltag.ValidationErrors) error {
	var more deltag.ValidationErrors
	for _, f := range prefixFields("", e.Validate()) {
		if known.ForField(f.Field) == nil {
			more = append(more, f)
		}
	}
	return more.Err()
}

// patchBase is what an organiser may set of e. The lists are empty, so that a patch that names them replaces them whole.
func patchBase(e deltag.Event) EventEdit {
	language, status := string(e.Language), string(e.Status)
	p := EventEdit{
		Slug: &e.Slug, Title: &e.Title, Description: &e.Description, Language: &language, TimeZone: &e.TimeZone,
		StartsAt: &e.StartsAt, EndsAt: &e.EndsAt, WaitingList: &e.HasWaitlist, JoinUrl: &e.JoinURL,
		Organiser:     &Organiser{Name: e.Organiser.Name, Email: e.Organiser.Email},
		SignUpOpensAt: &e.SignUpOpensAt, SignUpClosesAt: &e.SignUpClosesAt, RetentionDays: &e.RetentionDays, Status: &status,
		Questions: new([]Question), Reminders: new([]Reminder), RemindOrganiser: &e.Organiser.ReceivesReminders,
	}
	if e.PromotionCutoff != 0 {
		until := e.PromotionCutoff.String()
		p.PromoteUntil = &until
	}
	if e.Capacity != nil {
		capacity := *e.Capacity
		p.Capacity = &capacity
	}
	return p
}

// requiredNulls are the fields that were set to null and can't be empty.
func (p EventEdit) requiredNulls() (fs deltag.ValidationErrors) {
	for _, f := range []struct {
		name string
		gone bool
	}{
		{"slug", p.Slug == nil}, {"title", p.Title == nil}, {"language", p.Language == nil}, {"startsAt", p.StartsAt == nil},
		{"endsAt", p.EndsAt == nil}, {"timeZone", p.TimeZone == nil}, {"waitingList", p.WaitingList == nil},
		{"organiser", p.Organiser == nil}, {"retentionDays", p.RetentionDays == nil}, {"status", p.Status == nil},
	} {
		if f.gone {
			fs = append(fs, deltag.FieldError{Field: f.name, Code: "missing"})
		}
	}
	return fs
}

func readQuestions(in []Question) []deltag.Question {
	var qs []deltag.Question
	for _, q := range in {
		qs = append(qs, deltag.Question{
			ID: q.Id, Kind: deltag.QuestionKind(q.Kind), Label: strings.TrimSpace(q.Label), Options: deref(q.Options), Required: deref(q.Required),
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
		kind := deltag.MailKind(deref(r.Kind))
		if kind == "" {
			kind = deltag.ReminderKind(offset)
		}
		rs = append(rs, deltag.Reminder{Kind: kind, Offset: offset, Text: deref(r.Text)})
	}
	return rs, nil
}

// readOffset reads a field's duration.
func readOffset(field, text string) (deltag.Offset, error) {
	offset, err := deltag.ParseOffset(text)
	if err != nil {
		return 0, deltag.ValidationErrors{{Field: field, Code: "bad-offset"}}
	}
	return offset, nil
}

// prefixFields prefixes the fields of err, if it is about any.
func prefixFields(prefix string, err error) deltag.ValidationErrors {
	var fs deltag.ValidationErrors
	errors.As(err, &fs)
	for i := range fs {
		fs[i].Field = prefix + fs[i].Field
	}
	return fs
}

// deref is what p points to, and else the zero value.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
