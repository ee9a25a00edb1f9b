package deltag

import (
	"cmp"
	"slices"
	"time"
)

// defaultFollowUpOffset is when a follow-up goes out that has none of its own.
const defaultFollowUpOffset = Offset(time.Hour)

// MailText is the organiser's own paragraph in e's mails of kind k. That of a message or a preview is not the event's.
func (e Event) MailText(k MailKind) string {
	if k == KindConfirmation || k == KindPromoted {
		return e.ConfirmationText
	}
	return e.reminder(k).Text
}

// MailTextField is the field of MailText in validation errors.
func MailTextField(k MailKind) string {
	if k == KindConfirmation {
		return "confirmationText"
	}
	return "reminders." + string(k)
}

// MailTextKinds are the kinds of mail of e that can have a text of the organiser's: the confirmation, the reminders that
// it has, in the order in which they go out, and both follow-ups, whether it has them or not.
func (e Event) MailTextKinds() []MailKind {
	isFollowUp := func(r ScheduledMail) bool { return r.Kind.IsFollowUp() }
	reminders := slices.DeleteFunc(slices.Clone(e.ScheduledMails), isFollowUp)
	slices.SortFunc(reminders, func(a, b ScheduledMail) int { return cmp.Compare(a.Offset, b.Offset) })
	kinds := []MailKind{KindConfirmation}
	for _, r := range reminders {
		kinds = append(kinds, r.Kind)
	}
	return append(kinds, KindFollowUpAttended, KindFollowUpMissed)
}

// MailDueAt is when e's reminder or follow-up of kind k is due, also of a follow-up that e does not have yet. The zero
// time for other kinds.
func (e Event) MailDueAt(k MailKind) time.Time {
	r := e.reminder(k)
	if r.Kind == "" && k.IsFollowUp() {
		r = ScheduledMail{Kind: k, Offset: defaultFollowUpOffset}
	}
	if r.Kind == "" {
		return time.Time{}
	}
	return e.dueAt(r)
}

// MailTextIsFinal says that e's mail of kind k is due at now, so that another text would reach nobody, or only some.
func (e Event) MailTextIsFinal(k MailKind, now time.Time) bool {
	due := e.MailDueAt(k)
	return e.Status == EventCancelled || !due.IsZero() && !due.After(now)
}

// WithMailText is e with another text in its mails of kind k. A text adds the follow-up that e does not have, and none
// removes it. ValidationErrors if the text is final; a reminder that e does not have stays away.
func (e Event) WithMailText(k MailKind, text string, now time.Time) (Event, error) {
	if text == e.MailText(k) {
		return e, nil
	}
	if e.MailTextIsFinal(k, now) {
		return e, ValidationErrors{{Field: MailTextField(k), Code: "mail-is-due"}}
	}
	if k == KindConfirmation {
		e.ConfirmationText = text
		return e, nil
	}
	e.ScheduledMails = slices.Clone(e.ScheduledMails)
	i := slices.IndexFunc(e.ScheduledMails, func(r ScheduledMail) bool { return r.Kind == k })
	switch {
	case i >= 0 && text == "" && k.IsFollowUp():
		e.ScheduledMails = slices.Delete(e.ScheduledMails, i, i+1)
	case i >= 0:
		e.ScheduledMails[i].Text = text
	case k.IsFollowUp():
		e.ScheduledMails = append(e.ScheduledMails, ScheduledMail{Kind: k, Offset: defaultFollowUpOffset, Text: text})
	}
	return e, nil
}
