package console

import (
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// A mailView is a mail to somebody, and what became of it.
type mailView struct {
	Subject string
	State   string
	Reason  string
	Email   string // that it went to, if it is another one than today's
	History []string
	Resend  string // where to ask for it once more; "" if nobody can
}

func (p *page) mails(details organiser.AttendeeDetails) (mails []mailView) {
	for _, d := range details.Deliveries {
		m := mailView{Subject: p.mailName(d.Kind), Reason: p.reasonText(d.Reason)}
		m.State = p.mailState(details.Event, d.Status, lastChange(d))
		if d.Email.Normalized != details.Registration.Email.Normalized {
			m.Email = d.Email.Original
		}
		for _, c := range d.History {
			step := p.mailState(details.Event, c.Status, c.At)
			if reason := p.reasonText(c.Reason); reason != "" {
				step += " " + reason
			}
			m.History = append(m.History, step)
		}
		if p.Principal.MayEdit() && !d.IsActive() && !d.Kind.IsFinal() && d.RegistrationID == details.Registration.ID {
			m.Resend = attendeePath(d.EventID, d.RegistrationID) + "/deliveries/" + d.ID() + "/resend"
		}
		mails = append(mails, m)
	}
	return mails
}

// lastChange is when a delivery got its status, or when it is due if it only waits.
func lastChange(d deltag.Delivery) time.Time {
	if d.Status == deltag.DeliveryPending && !d.NextAttemptAt.IsZero() {
		return d.NextAttemptAt
	}
	if len(d.History) == 0 {
		return d.DueAt
	}
	return d.History[len(d.History)-1].At
}

// mailState is a status and its time: "Nået frem 23. november kl. 10.00."
func (p *page) mailState(e deltag.Event, s deltag.DeliveryStatus, at time.Time) string {
	return p.Text("console.attendee.mail."+string(s), "time", p.ShortTime(e, at))
}

// mailName is what a mail is about.
func (p *page) mailName(k deltag.MailKind) string {
	if k.IsReminder() {
		offset, err := deltag.ParseOffset(strings.TrimPrefix(string(k), "reminder-"))
		if err == nil {
			return p.Text("console.attendee.kind.reminder", "before", p.Remaining(time.Duration(offset)))
		}
	}
	for _, key := range []string{"console.attendee.kind.", "console.mails.kind."} {
		if key += string(k); p.Has(key) {
			return p.Text(key)
		}
	}
	return string(k)
}

// reasonText says why a mail was not sent, or waits. "" if nothing was wrong.
func (p *page) reasonText(r deltag.Reason) string {
	if key := "console.attendee.reason." + string(r); p.Has(key) {
		return p.Text(key)
	}
	return ""
}
