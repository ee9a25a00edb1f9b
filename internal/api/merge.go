package api

import (
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// mergePatch is the change that a JSON merge patch (RFC 7396) makes: what the patch does not name stays, null clears
// what may be empty. A new event is a patch onto the defaults.
func mergePatch(raw []byte) organiser.EventChange {
	return func(e deltag.Event) (deltag.Event, error) {
		p := patchBase(e)
		if err := web.DecodeJSON(raw, &p); err != nil {
			return e, err
		}
		invalid := p.requiredNulls()
		p.applyFields(&e)
		p.applyQuestions(&e)
		invalid = append(invalid, p.applyCutoff(&e)...)
		invalid = append(invalid, p.applyReminders(&e)...)
		return e, invalid.Err()
	}
}

// patchBase is what an organiser may set of e. The lists are empty, so that a patch that names them replaces them
// whole.
func patchBase(e deltag.Event) EventEdit {
	p := EventEdit{
		Slug: &e.Slug, Title: &e.Title, Description: &e.Description, Language: (*string)(&e.Language),
		StartsAt: &e.StartsAt, EndsAt: &e.EndsAt, TimeZone: &e.TimeZone,
		SignUpOpensAt: &e.SignUpOpensAt, SignUpClosesAt: &e.SignUpClosesAt,
		WaitingList: &e.HasWaitlist, Verify: (*string)(&e.Verify), JoinUrl: &e.JoinURL,
		Organiser:       &OrganiserEdit{Name: &e.Organiser.Name, Email: &e.Organiser.Email},
		RemindOrganiser: &e.Organiser.ReceivesReminders, DailyNote: &e.Organiser.ReceivesDigest, RetentionDays: &e.RetentionDays,
		Questions: new([]Question), Reminders: new([]Reminder), Status: (*string)(&e.Status),
		ConfirmationText: &e.ConfirmationText,
	}
	if e.PromotionCutoff != 0 {
		p.PromoteUntil = new(e.PromotionCutoff.String())
	}
	if e.Capacity != nil {
		p.Capacity = new(*e.Capacity)
	}
	return p
}

// requiredNulls are errors for the fields that were set to null and can't be empty.
func (p EventEdit) requiredNulls() (invalid deltag.ValidationErrors) {
	for _, f := range []struct {
		name   string
		isNull bool
	}{
		{"slug", p.Slug == nil}, {"title", p.Title == nil}, {"language", p.Language == nil},
		{"startsAt", p.StartsAt == nil}, {"endsAt", p.EndsAt == nil}, {"timeZone", p.TimeZone == nil},
		{"waitingList", p.WaitingList == nil}, {"verify", p.Verify == nil}, {"organiser", p.Organiser == nil},
		{"dailyNote", p.DailyNote == nil}, {"retentionDays", p.RetentionDays == nil}, {"status", p.Status == nil},
	} {
		if f.isNull {
			invalid = append(invalid, deltag.FieldError{Field: f.name, Code: "missing"})
		}
	}
	return invalid
}

// applyFields sets what needs no check here.
func (p EventEdit) applyFields(e *deltag.Event) {
	e.Slug, e.Title, e.Description = deref(p.Slug), deref(p.Title), deref(p.Description)
	e.Language = deltag.Language(deref(p.Language))
	e.StartsAt, e.EndsAt, e.TimeZone = deref(p.StartsAt).UTC(), deref(p.EndsAt).UTC(), deref(p.TimeZone)
	e.SignUpOpensAt, e.SignUpClosesAt = deref(p.SignUpOpensAt).UTC(), deref(p.SignUpClosesAt).UTC()
	e.Capacity, e.HasWaitlist, e.JoinURL = p.Capacity, deref(p.WaitingList), deref(p.JoinUrl)
	e.Verify = deltag.VerifyPolicy(deref(p.Verify))
	e.Organiser.Name, e.Organiser.Email = deref(deref(p.Organiser).Name), deref(deref(p.Organiser).Email)
	e.Organiser.ReceivesReminders, e.Organiser.ReceivesDigest = deref(p.RemindOrganiser), deref(p.DailyNote)
	e.ConfirmationText = deref(p.ConfirmationText)
	e.RetentionDays, e.Status = deref(p.RetentionDays), deltag.EventStatus(deref(p.Status))
}

func (p EventEdit) applyCutoff(e *deltag.Event) (invalid deltag.ValidationErrors) {
	e.PromotionCutoff = 0
	if p.PromoteUntil != nil {
		e.PromotionCutoff, invalid = parseOffset("promoteUntil", *p.PromoteUntil)
	}
	return invalid
}

func (p EventEdit) applyQuestions(e *deltag.Event) {
	if !isNamed(p.Questions) {
		return
	}
	e.Questions = nil
	for _, q := range deref(p.Questions) {
		e.Questions = append(e.Questions, deltag.Question{
			ID: q.Id, Kind: deltag.QuestionKind(q.Kind), Label: strings.TrimSpace(q.Label),
			Options: convertAll(deref(q.Options), strings.TrimSpace), Required: deref(q.Required),
		})
	}
}

func (p EventEdit) applyReminders(e *deltag.Event) deltag.ValidationErrors {
	if !isNamed(p.Reminders) {
		return nil
	}
	e.ScheduledMails = nil
	for _, r := range deref(p.Reminders) {
		offset, invalid := parseOffset("reminders", r.Offset)
		if invalid != nil {
			return invalid
		}
		kind := deltag.ReminderKind(offset)
		if r.Kind != nil {
			kind = deltag.MailKind(*r.Kind)
		}
		e.ScheduledMails = append(e.ScheduledMails, deltag.ScheduledMail{Kind: kind, Offset: offset, Text: deref(r.Text)})
	}
	return nil
}

// isNamed says whether the patch has the list. Otherwise it still is the nil slice of patchBase; null has made it a nil
// pointer, and any list a slice.
func isNamed[T any](list *[]T) bool { return list == nil || *list != nil }

func parseOffset(field, text string) (deltag.Offset, deltag.ValidationErrors) {
	offset, err := deltag.ParseOffset(text)
	if err != nil {
		return 0, deltag.ValidationErrors{{Field: field, Code: "bad-offset"}}
	}
	return offset, nil
}

// deref is what p points to, or the zero value.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
