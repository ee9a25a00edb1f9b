package deltag

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A DeliveryKey names a row of the mail ledger: there is one for each registration, kind of mail and version.
type DeliveryKey struct {
	EventID        string
	RegistrationID string
	Kind           MailKind
	Version        int
}

// ID names the delivery within its event: "<registration>.<kind>.<version>".
func (k DeliveryKey) ID() string {
	return k.RegistrationID + "." + string(k.Kind) + "." + strconv.Itoa(k.Version)
}

// Tag names the delivery everywhere, in the characters that SES allows in a tag.
func (k DeliveryKey) Tag() string { return k.EventID + "." + k.ID() }

// ParseDeliveryID reads what ID wrote.
func ParseDeliveryID(eventID, id string) (DeliveryKey, error) {
	parts := strings.Split(id, ".")
	if len(parts) != 3 || !IsID(eventID) || !IsID(parts[0]) || parts[1] == "" {
		return DeliveryKey{}, fmt.Errorf("delivery id %q: %w", id, ErrNotFound)
	}
	version, err := strconv.Atoi(parts[2])
	if err != nil || version < 1 {
		return DeliveryKey{}, fmt.Errorf("delivery id %q: %w", id, ErrNotFound)
	}
	return DeliveryKey{EventID: eventID, RegistrationID: parts[0], Kind: MailKind(parts[1]), Version: version}, nil
}

// Tag names the mail to SES, which repeats it in each of its events: the delivery, and the registration it was made for.
func (m OutgoingMail) Tag() string {
	if m.Generation == "" {
		return m.Delivery.Tag()
	}
	return m.Delivery.Tag() + "." + m.Generation
}

// ParseMailTag reads what Mail.Tag wrote.
func ParseMailTag(tag string) (k DeliveryKey, mark string, err error) {
	eventID, id, _ := strings.Cut(tag, ".")
	if parts := strings.Split(id, "."); len(parts) == 4 {
		id, mark = strings.Join(parts[:3], "."), parts[3]
	}
	k, err = ParseDeliveryID(eventID, id)
	return k, mark, err
}

// A DeliveryStatus is where a mail stands. docs/architecture.md draws the moves between them.
type DeliveryStatus string

const (
	DeliveryPending    DeliveryStatus = "pending"
	DeliverySending    DeliveryStatus = "sending" // claimed; comes back by itself at NextAt
	DeliverySent       DeliveryStatus = "sent"    // SES has accepted it
	DeliveryDelivered  DeliveryStatus = "delivered"
	DeliveryBounced    DeliveryStatus = "bounced"
	DeliveryComplained DeliveryStatus = "complained"
	DeliverySkipped    DeliveryStatus = "skipped"
	DeliveryFailed     DeliveryStatus = "failed"
	DeliveryUnknown    DeliveryStatus = "unknown" // handed over, and no answer seen
)

// DeliveryStatuses are all of them.
var DeliveryStatuses = []DeliveryStatus{DeliveryPending, DeliverySending, DeliverySent, DeliveryDelivered, DeliveryBounced, DeliveryComplained, DeliverySkipped, DeliveryFailed, DeliveryUnknown}

// A Reason says why a mail was skipped, failed or put off. Codes are stable; the language files and
// the API's readers know them.
type Reason string

const (
	ReasonEventCancelled        Reason = "event-cancelled"
	ReasonEventOver             Reason = "event-over"
	ReasonEventStarted          Reason = "event-started"
	ReasonOldSchedule           Reason = "old-schedule"
	ReasonRegistrationCancelled Reason = "registration-cancelled"
	ReasonWaitlisted            Reason = "registration-waiting"
	ReasonNotWaitlisted         Reason = "not-waiting"
	ReasonConfirmed             Reason = "has-seat"
	ReasonSignedUpLater         Reason = "joined-later"
	ReasonSuperseded            Reason = "superseded"
	ReasonAddressBounced        Reason = "address-bounced"
	ReasonAddressComplained     Reason = "address-complained"
	ReasonUnsubscribed          Reason = "unsubscribed"
	ReasonAttended              Reason = "attended"
	ReasonNotAttended           Reason = "not-attended"
	ReasonRegistrationGone      Reason = "registration-gone" // erased, or moved to a corrected address
	ReasonDailyLimit            Reason = "too-many-today"    // the address has had MaxPerDay mails

	ReasonThrottled        Reason = "throttled"       // SES: too fast
	ReasonSendQuota        Reason = "daily-quota"     // SES: the day's messages are used up
	ReasonNotSubmitted     Reason = "not-handed-over" // SES was not reached; nothing was sent
	ReasonNoResponse       Reason = "no-answer"       // handed over, no answer seen
	ReasonRejected         Reason = "rejected"        // SES refused the message
	ReasonRenderFailed     Reason = "not-composed"    // the mail could not be made
	ReasonResent           Reason = "resent"          // the organiser asked for it once more
	ReasonRetriesExhausted Reason = "gave-up"         // SES could not be reached, or said no, for GiveUpAfter
)

// SendLease is how long a delivery whose fate is unknown waits for SES's own event before it is
// sent again. SES events usually arrive within seconds; ten minutes leave room for a slow day.
const SendLease = 10 * time.Minute

// GiveUpAfter and GiveUpAttempts end a delivery that SES has put off for so long since the first attempt, and so often:
// after an outage of our own it gets its tries all the same. Mail about an event ends sooner, by its own rule: see Verdict.
const (
	MaxRetryAge = 72 * time.Hour
	MaxAttempts = 100 // at a quarter of an hour each, a day's worth
)

// QuotaBackoff is how long sending rests when SES's daily quota is used up. Its window slides, so it frees bit by bit.
const QuotaBackoff = 15 * time.Minute

// MaxPerDay is how many personal mails one address gets on one day (UTC), from all events together: whatever is
// posted, nobody's inbox is flooded. MaxAskedPerDay is after how many of them nothing is taken any more that names the address without
// proof of owning it, so that a stranger cannot use up what its owner needs.
const (
	MaxMailsPerAddressPerDay = 40
	MaxUnverifiedMailsPerDay = 20
)

// MaxUnconfirmedSends bounds the copies of one mail: it is handed to SES again only when nothing was heard of the
// last time for SettleTime, and never more often than this.
const MaxUnconfirmedSends = 3

// A Delivery is a row of the mail ledger: one mail to one registration and what became of it. Its
// methods are the only moves there are. Each returns the row's next state with Revision one higher; the store
// writes it only if the stored row still has the revision before.
type Delivery struct {
	DeliveryKey
	Email         Address // where to; the address sent to once sent
	Status        DeliveryStatus
	Reason        Reason
	DueAt         time.Time
	NextAttemptAt time.Time // when the due index shows it next; zero once nothing is left to do
	Attempt       int
	SentAt        time.Time
	MessageID     string
	Revision      int // 0: not stored yet
	History       []StatusChange
	// Generation is that of the registration it was made for: somebody who signs up again after an erasure has the same id.
	Generation string
	// DetachedRecipient is whom a mail is for that no registration stands behind, or no more; nil for all others. The row itself
	// keeps what it needs of them, and with Text the organiser's words of a preview.
	DetachedRecipient *Registration
	Text              string
}

// A StatusChange is one entry of a delivery's history.
type StatusChange struct {
	At     time.Time
	Status DeliveryStatus
	Reason Reason
}

// NewDelivery is a mail that is due and not yet claimed. Its first write must be conditional on the
// row's absence.
func NewDelivery(r Registration, k MailKind, version int, due time.Time) Delivery {
	return Delivery{
		DeliveryKey: DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: k, Version: version},
		Email:       r.Email, Generation: r.Generation(), Status: DeliveryPending, DueAt: due, NextAttemptAt: due,
	}
}

// NewFinalDelivery is a mail to r's address as it leaves r behind: a receipt of its erasure, or word of its change. The calendar
// entry that r had is taken out with it.
func NewFinalDelivery(e Event, r Registration, k MailKind, now time.Time) Delivery {
	a := Registration{
		EventID: r.EventID, ID: r.ID, Name: r.Name, Email: r.Email, Language: r.Language, Status: RegistrationCancelled, AddressStatus: r.AddressStatus,
		ICalSequence: r.ICalSequence + 1,
	}
	if r.Status == RegistrationConfirmed && now.Before(e.EndsAt) {
		a.ConfirmedAt = r.ConfirmedAt
	}
	d := NewDelivery(a, k, r.MailVersion+1, now)
	d.DetachedRecipient = &a
	return d
}

// NewOrganiserDelivery is a mail to the organiser: a preview of a message, or a reminder.
func NewOrganiserDelivery(e Event, k MailKind, version int, due time.Time) Delivery {
	a := Address{Original: e.Organiser.Email, Normalized: strings.ToLower(e.Organiser.Email)}
	host := Registration{
		EventID: e.ID, ID: RegistrationID(e, a), Name: e.Organiser.Name, Email: a, Language: e.Language, Status: RegistrationConfirmed, AddressStatus: AddressOK,
	}
	d := NewDelivery(host, k, version, due)
	d.DetachedRecipient = &host
	return d
}

// IsActive says whether something is still to be done about d by the sender.
func (d Delivery) IsActive() bool {
	return d.Status == DeliveryPending || d.Status == DeliverySending || d.Status == DeliveryUnknown
}

// Claimable says whether d may be claimed at now: it is pending and due, or its claim has run out
// with nobody hearing from SES.
func (d Delivery) Claimable(now time.Time) bool { return d.IsActive() && !now.Before(d.NextAttemptAt) }

// Claim takes d for sending. If the sender dies, it comes back after SettleTime: by then SES's
// event has told if the mail was accepted.
func (d Delivery) Claim(now time.Time) Delivery {
	d.Attempt++
	return d.transition(DeliverySending, "", now, now.Add(SendLease))
}

// Skip ends d unsent.
func (d Delivery) Skip(r Reason, now time.Time) Delivery {
	return d.transition(DeliverySkipped, r, now, time.Time{})
}

// Fail ends d: SES will not take it.
func (d Delivery) Fail(r Reason, now time.Time) Delivery {
	return d.transition(DeliveryFailed, r, now, time.Time{})
}

// ScheduleRetry gives a claimed d back: SES said no for now, or was not reached. It returns after a wait that doubles
// each time, from one second to a quarter of an hour.
func (d Delivery) ScheduleRetry(r Reason, now time.Time) Delivery {
	if d.Attempt >= MaxAttempts && now.Sub(d.History[0].At) >= MaxRetryAge {
		return d.Fail(ReasonRetriesExhausted, now)
	}
	wait := min(time.Second<<min(d.Attempt-1, 10), 15*time.Minute)
	if r == ReasonSendQuota {
		wait = QuotaBackoff
	}
	return d.transition(DeliveryPending, r, now, now.Add(wait))
}

// UnconfirmedSends counts how often d may have reached SES without our hearing of it.
func (d Delivery) UnconfirmedSends() int {
	n := 0
	for i, s := range d.History {
		lost := s.Status == DeliverySending && (i+1 == len(d.History) || d.History[i+1].Status == DeliverySending)
		if lost || s.Status == DeliveryUnknown {
			n++
		}
	}
	return n
}

// MarkUnknown notes that d was handed over and no answer came.
func (d Delivery) MarkUnknown(now time.Time) Delivery {
	return d.transition(DeliveryUnknown, ReasonNoResponse, now, now.Add(SendLease))
}

// MarkSent notes SES's answer. A report that overtook it is kept: what SES says later outranks it.
func (d Delivery) MarkSent(messageID string, now time.Time) Delivery {
	if !d.IsActive() {
		d.MessageID, d.SentAt = messageID, now
		d.Revision++
		return d
	}
	d.MessageID, d.SentAt = messageID, now
	return d.transition(DeliverySent, "", now, time.Time{})
}

// Resend makes a mail that is done due again, because the organiser asked for it.
func (d Delivery) Resend(now time.Time) Delivery {
	d.Attempt, d.SentAt, d.MessageID, d.DueAt = 0, time.Time{}, "", now
	return d.transition(DeliveryPending, ReasonResent, now, now)
}

func (d Delivery) transition(s DeliveryStatus, r Reason, now, next time.Time) Delivery {
	d.Status, d.Reason, d.NextAttemptAt = s, r, next
	d.Revision++
	// A new slice: the caller's own value keeps its history.
	d.History = append(d.History[:len(d.History):len(d.History)], StatusChange{At: now, Status: s, Reason: r})
	return d
}

// A SESEvent is what SES says about a mail after it has left us.
type SESEvent struct {
	Delivery   DeliveryKey
	Generation string // the delivery's own when the mail was sent; "" when the report does not say
	Type       SESEventType
	Permanent  bool   // of a bounce: the address is dead
	Detail     Reason // e.g. a bounce's subtype; never an address
	MessageID  string
	At         time.Time
}

// A SESEventType is the type of an SES event.
type SESEventType string

const (
	SESSend             SESEventType = "send"
	SESDelivery         SESEventType = "delivery"
	SESBounce           SESEventType = "bounce"
	SESComplaint        SESEventType = "complaint"
	SESReject           SESEventType = "reject"
	SESDeliveryDelay    SESEventType = "delay"
	SESRenderingFailure SESEventType = "rendering-failure"
)

// statusRank orders the outcomes: a report never takes a delivery back to an earlier one, so that reports
// may come twice, late or in any order.
var statusRank = map[DeliveryStatus]int{DeliverySent: 1, DeliveryFailed: 2, DeliveryDelivered: 3, DeliveryBounced: 4, DeliveryComplained: 5}

// ApplySESEvent applies a report, and says whether it changed anything.
func (d Delivery) ApplySESEvent(r SESEvent) (Delivery, bool) {
	status := map[SESEventType]DeliveryStatus{
		SESSend: DeliverySent, SESDelivery: DeliveryDelivered, SESComplaint: DeliveryComplained,
		SESReject: DeliveryFailed, SESRenderingFailure: DeliveryFailed,
	}[r.Type]
	if r.Type == SESBounce {
		status = DeliveryBounced
	}
	if status == "" || statusRank[status] <= statusRank[d.Status] || r.Generation != "" && r.Generation != d.Generation {
		return d, false
	}
	if d.MessageID == "" {
		d.MessageID, d.SentAt = r.MessageID, r.At
	}
	reason := r.Detail
	if status == DeliveryFailed {
		reason = ReasonRejected
	}
	return d.transition(status, reason, r.At, time.Time{}), true
}

// AddressStatus is what a report says about the address beyond this mail, or "".
func (r SESEvent) AddressStatus() AddressStatus {
	switch {
	case r.Type == SESBounce && r.Permanent:
		return AddressBounced
	case r.Type == SESComplaint:
		return AddressComplained
	}
	return ""
}

// An OutgoingMail is a message ready to be handed to SES.
type OutgoingMail struct {
	To         string // in ASCII
	Raw        []byte // RFC 5322
	Delivery   DeliveryKey
	Generation string // see Delivery
	Attempt    int
}
