package console

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// A timelineRow is a mail to all of an event, or all mails to one person of a kind, in words.
type timelineRow struct {
	Name     string
	Text     string   // when, and to how many; or why not
	Outcomes []string // "290 leveret", "2 kom retur"
}

func (p *page) timelineRow(e deltag.Event, t deltag.TimelineEntry, outcomes organiser.Outcomes) timelineRow {
	row := timelineRow{Name: p.MailKindText(t.Kind)}
	at := p.timeText(t.DueAt, e)
	switch {
	case t.Reason != "":
		row.Text = p.because(deltag.DeliverySkipped, t.Reason)
		return row
	case t.Status == deltag.MailingPlanned && t.Kind.IsFollowUp():
		row.Text = p.Text("console.mails.planned-at-most", "time", at, "people", p.People(t.Expected))
		return row
	case t.Status == deltag.MailingPlanned:
		row.Text = p.Text("console.mails.planned", "time", at, "people", p.People(t.Expected))
		return row
	case t.Status == deltag.MailingRunning:
		row.Text = p.Text("console.mails.running", "people", p.People(t.Sent))
	default:
		row.Text = p.Text("console.mails.done", "time", at, "people", p.People(t.Sent))
	}
	row.Outcomes = p.outcomeTexts(outcomes[organiser.OutcomeKey{Kind: t.Kind, Version: t.Version}])
	if outcomes == nil && t.Skipped > 0 {
		row.Outcomes = []string{p.Text("console.mails.skipped", "n", p.Number(t.Skipped))}
	}
	return row
}

// isToNobody says whether t is news that nobody has to be told: it waits, for all have signed up since, or none has.
func isToNobody(t deltag.TimelineEntry) bool {
	return t.Kind.IsChangeNotice() && t.Status == deltag.MailingPlanned && t.Reason == "" && t.Expected == 0
}

// personalRows are the mails that go to one person at a time, in the order of deltag.MailKinds.
func (p *page) personalRows(outcomes organiser.Outcomes) []timelineRow {
	var rows []timelineRow
	for _, k := range deltag.MailKinds {
		o, sent := outcomes[organiser.OutcomeKey{Kind: k}]
		if sent {
			rows = append(rows, timelineRow{Name: p.MailKindText(k), Outcomes: p.outcomeTexts(o)})
		}
	}
	return rows
}

// outcomeTexts counts what became of mails: those that arrived first, and then the rest.
func (p *page) outcomeTexts(o organiser.Outcome) []string {
	var texts []string
	for _, status := range []deltag.DeliveryStatus{
		deltag.DeliveryDelivered, deltag.DeliverySent, deltag.DeliveryPending, deltag.DeliverySending,
		deltag.DeliveryUnknown, deltag.DeliveryBounced, deltag.DeliveryComplained, deltag.DeliveryFailed,
	} {
		if n := o.ByStatus[status]; n > 0 {
			texts = append(texts, p.Text("console.mails.outcome."+string(status), "n", p.Number(n)))
		}
	}
	mostFirst := func(a, b deltag.Reason) int {
		return cmp.Or(cmp.Compare(o.Skipped[b], o.Skipped[a]), cmp.Compare(a, b))
	}
	for _, reason := range slices.SortedFunc(maps.Keys(o.Skipped), mostFirst) {
		n := p.Number(o.Skipped[reason])
		texts = append(texts, p.Text("console.mails.outcome.skipped", "n", n, "reason", p.ReasonText(reason)))
	}
	return texts
}

// MailKindText names a kind of mail: "Bekræftelse", "Påmindelse 1 dag før".
func (p *page) MailKindText(k deltag.MailKind) string {
	if k.IsReminder() {
		offset, err := deltag.ParseOffset(strings.TrimPrefix(string(k), "reminder-"))
		if err == nil {
			return p.Text("console.mails.reminder", "remaining", p.Remaining(time.Duration(offset)))
		}
	}
	return p.Text("console.mails.kind." + string(k))
}

// ReasonText says why a mail was skipped, has failed or waits, as a part of a sentence.
func (p *page) ReasonText(r deltag.Reason) string { return p.Text("console.mails.reason." + string(r)) }

// DeliveryText says what became of a mail: "Leveret", "Ikke sendt: arrangementet er aflyst".
func (p *page) DeliveryText(s deltag.DeliveryStatus, r deltag.Reason) string {
	if r == "" {
		return p.Text("console.mails.status." + string(s))
	}
	return p.because(s, r)
}

func (p *page) because(s deltag.DeliveryStatus, r deltag.Reason) string {
	status := p.Text("console.mails.status." + string(s))
	return p.Text("console.mails.status-because", "status", status, "reason", p.ReasonText(r))
}

// timeText is a time in the event's zone: "tirsdag den 1. december 2026 kl. 13.00".
func (p *page) timeText(t time.Time, e deltag.Event) string {
	return p.Text("console.mails.time", "date", p.Date(t, e.Zone()), "clock", p.TimeOfDay(t, e.Zone()))
}

// A ledgerRow is a mail in the ledger, in words.
type ledgerRow struct {
	Kind, Email string
	mailStep
	Path string // of the person; "" of a mail to the organiser, or about a person who is gone
}

// A mailStep is something that became of a mail, and when.
type mailStep struct {
	Text, Time string
	IsBad      bool
}

func (p *page) mailStep(e deltag.Event, s deltag.DeliveryStatus, r deltag.Reason, at time.Time) mailStep {
	return mailStep{
		Text: p.DeliveryText(s, r), Time: p.timeText(at, e),
		IsBad: s == deltag.DeliveryBounced || s == deltag.DeliveryFailed || s == deltag.DeliveryComplained,
	}
}

func (p *page) ledgerRow(e deltag.Event, d deltag.Delivery) ledgerRow {
	return ledgerRow{
		Kind: p.MailKindText(d.Kind), Email: d.Email.Original, mailStep: p.mailStep(e, d.Status, d.Reason, lastChange(d)),
	}
}

func (p *page) ledgerRows(e deltag.Event, base string, ds []deltag.Delivery) []ledgerRow {
	var rows []ledgerRow
	for _, d := range ds {
		row := p.ledgerRow(e, d)
		if !d.IsToOrganiser() && !d.Kind.IsFinal() {
			row.Path = base + "/attendees/" + d.RegistrationID
		}
		rows = append(rows, row)
	}
	return rows
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

// An attendeeMail is a mail to somebody.
type attendeeMail struct {
	ledgerRow // Email: that it went to, if it is another one than today's
	History   []mailStep
	Resend    string // where to ask for it once more; "" if nobody can
}

func (p *page) attendeeMails(details organiser.AttendeeDetails) (mails []attendeeMail) {
	e, reg := details.Event, details.Registration
	for _, d := range details.Deliveries {
		m := attendeeMail{ledgerRow: p.ledgerRow(e, d)}
		if d.Email.Normalized == reg.Email.Normalized {
			m.Email = ""
		}
		for _, c := range d.History {
			m.History = append(m.History, p.mailStep(e, c.Status, c.Reason, c.At))
		}
		if p.Principal.MayEdit() && !d.IsActive() && !d.Kind.IsFinal() && d.RegistrationID == reg.ID {
			m.Resend = attendeePath(d.EventID, d.RegistrationID) + "/deliveries/" + d.ID() + "/resend"
		}
		mails = append(mails, m)
	}
	return mails
}
