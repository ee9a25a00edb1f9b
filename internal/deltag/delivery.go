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
	Kind           Kind
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
	return DeliveryKey{EventID: eventID, RegistrationID: parts[0], Kind: Kind(parts[1]), Version: version}, nil
}

// Tag names the mail to SES, which repeats it in each of its events: the delivery, and the registration it was made for.
func (m Mail) Tag() string {
	if m.Mark == "" {
		return m.Delivery.Tag()
	}
	return m.Delivery.Tag() + "." + m.Mark
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
	Pending    DeliveryStatus = "pending"
	Sending    DeliveryStatus = "sending" // claimed; comes back by itself at NextAt
	Sent       DeliveryStatus = "sent"    // SES has accepted it
	Delivered  DeliveryStatus = "delivered"
	Bounced    DeliveryStatus = "bounced"
	Complained DeliveryStatus = "complained"
	Skipped    DeliveryStatus = "skipped"
	Failed     DeliveryStatus = "failed"
	Unknown    DeliveryStatus = "unknown" // handed over, and no answer seen
)

// DeliveryStatuses are all of them.
var DeliveryStatuses = []DeliveryStatus{Pending, Sending, Sent, Delivered, Bounced, Complained, Skipped, Failed, Unknown}

// A Reason says why a mail was skipped, failed or put off. Codes are stable; the language files and
// the API's readers know them.
type Reason string

const (
	EventCancelled    Reason = "event-cancelled"
	EventOver         Reason = "event-over"
	EventStarted      Reason = "event-started"
	OldSchedule       Reason = "old-schedule"
	GaveUpSeat        Reason = "registration-cancelled"
	StillWaiting      Reason = "registration-waiting"
	NotWaiting        Reason = "not-waiting"
	HasSeat           Reason = "has-seat"
	JoinedLater       Reason = "joined-later"
	Superseded        Reason = "superseded"
	AddressBounced    Reason = "address-bounced"
	AddressComplained Reason = "address-complained"
	HasUnsubscribed   Reason = "unsubscribed"
	DidAttend         Reason = "attended"
	DidNotAttend      Reason = "not-attended"
	RegistrationGone  Reason = "registration-gone" // erased, or moved to a corrected address
	TooManyToday      Reason = "too-many-today"    // the address has had MaxPerDay mails

	Throttled     Reason = "throttled"       // SES: too fast
	QuotaUsedUp   Reason = "daily-quota"     // SES: the day's messages are used up
	NotHandedOver Reason = "not-handed-over" // SES was not reached; nothing was sent
	NoAnswer      Reason = "no-answer"       // handed over, no answer seen
	RejectedBySES Reason = "rejected"        // SES refused the message
	NotComposed   Reason = "not-composed"    // the mail could not be made
	AskedAgain    Reason = "resent"          // the organiser asked for it once more
	GaveUp        Reason = "gave-up"         // SES could not be reached, or said no, for GiveUpAfter
)

// SettleTime is how long a delivery whose fate is unknown waits for SES's own event before it is
// sent again. SES events usually arrive within seconds; ten minutes leave room for a slow day.
const SettleTime = 10 * time.Minute

// GiveUpAfter and GiveUpAttempts end a delivery that SES has put off for so long since the first attempt, and so often:
// after an outage of our own it gets its tries all the same. Mail about an event ends sooner, by its own rule: see Verdict.
const (
	GiveUpAfter    = 72 * time.Hour
	GiveUpAttempts = 100 // at a quarter of an hour each, a day's worth
)

// QuotaWait is how long sending rests when SES's daily quota is used up. Its window slides, so it frees bit by bit.
const QuotaWait = 15 * time.Minute

// MaxPerDay is how many personal mails one address gets on one day (UTC), from all events together: whatever is
// posted, nobody's inbox is flooded. MaxAskedPerDay is after how many of them nothing is taken any more that names the address without
// proof of owning it, so that a stranger cannot use up what its owner needs.
const (
	MaxPerDay      = 40
	MaxAskedPerDay = 20
)

// MaxHandovers bounds the copies of one mail: it is handed to SES again only when nothing was heard of the
// last time for SettleTime, and never more often than this.
const MaxHandovers = 3

// A Delivery is a row of the mail ledger: one mail to one registration and what became of it. Its
// methods are the only moves there are. Each returns the row's next state with Revision one higher; the store
// writes it only if the stored row still has the revision before.
type Delivery struct {
	DeliveryKey
	Email     Address // where to; the address sent to once sent
	Status    DeliveryStatus
	Reason    Reason
	DueAt     time.Time
	NextAt    time.Time // when the due index shows it next; zero once nothing is left to do
	Attempt   int
	SentAt    time.Time
	MessageID string
	Revision  int // 0: not stored yet
	History   []Step
	// Mark is that of the registration it was made for: somebody who signs up again after an erasure has the same id.
	Mark string
	// Addressee is whom a mail is for that no registration stands behind, or no more; nil for all others. The row itself
	// keeps what it needs of them, and with Text the organiser's words of a preview.
	Addressee *Registration
	Text      string
}

// A Step is one entry of a delivery's history.
type Step struct {
	At     time.Time
	Status DeliveryStatus
	Reason Reason
}

// NewDelivery is a mail that is due and not yet claimed. Its first write must be conditional on the
// row's absence.
func NewDelivery(r Registration, k Kind, version int, due time.Time) Delivery {
	return Delivery{
		DeliveryKey: DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: k, Version: version},
		Email:       r.Email, Mark: r.Mark(), Status: Pending, DueAt: due, NextAt: due,
	}
}

// Farewell is a mail to r's address as it leaves r behind: a receipt of its erasure, or word of its change. The calendar
// entry that r had is taken out with it.
func Farewell(e Event, r Registration, k Kind, now time.Time) Delivery {
	a := Registration{
		EventID: r.EventID, ID: r.ID, Name: r.Name, Email: r.Email, Language: r.Language, Status: Withdrawn, Mail: r.Mail,
		Sequence: r.Sequence + 1,
	}
	if r.Status == Confirmed && now.Before(e.EndsAt) {
		a.ConfirmedAt = r.ConfirmedAt
	}
	d := NewDelivery(a, k, r.MailVersion+1, now)
	d.Addressee = &a
	return d
}

// ToHost is a mail to the organiser: a preview of a message, or a reminder.
func ToHost(e Event, k Kind, version int, due time.Time) Delivery {
	a := Address{Typed: e.Organiser.Email, Identity: strings.ToLower(e.Organiser.Email)}
	host := Registration{
		EventID: e.ID, ID: RegistrationID(e, a), Name: e.Organiser.Name, Email: a, Language: e.Language, Status: Confirmed, Mail: MailOK,
	}
	d := NewDelivery(host, k, version, due)
	d.Addressee = &host
	return d
}

// Open says whether something is still to be done about d by the sender.
func (d Delivery) Open() bool {
	return d.Status == Pending || d.Status == Sending || d.Status == Unknown
}

// Claimable says whether d may be claimed at now: it is pending and due, or its claim has run out
// with nobody hearing from SES.
func (d Delivery) Claimable(now time.Time) bool { return d.Open() && !now.Before(d.NextAt) }

// Claim takes d for sending. If the sender dies, it comes back after SettleTime: by then SES's
// event has told if the mail was accepted.
func (d Delivery) Claim(now time.Time) Delivery {
	d.Attempt++
	return d.step(Sending, "", now, now.Add(SettleTime))
}

// Skip ends d unsent.
func (d Delivery) Skip(r Reason, now time.Time) Delivery {
	return d.step(Skipped, r, now, time.Time{})
}

// Fail ends d: SES will not take it.
func (d Delivery) Fail(r Reason, now time.Time) Delivery {
	return d.step(Failed, r, now, time.Time{})
}

// PutOff gives a claimed d back: SES said no for now, or was not reached. It returns after a wait that doubles
// each time, from one second to a quarter of an hour.
func (d Delivery) PutOff(r Reason, now time.Time) Delivery {
	if d.Attempt >= GiveUpAttempts && now.Sub(d.History[0].At) >= GiveUpAfter {
		return d.Fail(GaveUp, now)
	}
	wait := min(time.Second<<min(d.Attempt-1, 10), 15*time.Minute)
	if r == QuotaUsedUp {
		wait = QuotaWait
	}
	return d.step(Pending, r, now, now.Add(wait))
}

// Handovers counts how often d may have reached SES without our hearing of it.
func (d Delivery) Handovers() int {
	n := 0
	for i, s := range d.History {
		lost := s.Status == Sending && (i+1 == len(d.History) || d.History[i+1].Status == Sending)
		if lost || s.Status == Unknown {
			n++
		}
	}
	return n
}

// Lose notes that d was handed over and no answer came.
func (d Delivery) Lose(now time.Time) Delivery {
	return d.step(Unknown, NoAnswer, now, now.Add(SettleTime))
}

// Accept notes SES's answer. A report that overtook it is kept: what SES says later outranks it.
func (d Delivery) Accept(messageID string, now time.Time) Delivery {
	if !d.Open() {
		d.MessageID, d.SentAt = messageID, now
		d.Revision++
		return d
	}
	d.MessageID, d.SentAt = messageID, now
	return d.step(Sent, "", now, time.Time{})
}

// Reopen makes a mail that is done due again, because the organiser asked for it.
func (d Delivery) Reopen(now time.Time) Delivery {
	d.Attempt, d.SentAt, d.MessageID, d.DueAt = 0, time.Time{}, "", now
	return d.step(Pending, AskedAgain, now, now)
}

func (d Delivery) step(s DeliveryStatus, r Reason, now, next time.Time) Delivery {
	d.Status, d.Reason, d.NextAt = s, r, next
	d.Revision++
	// A new slice: the caller's own value keeps its history.
	d.History = append(d.History[:len(d.History):len(d.History)], Step{At: now, Status: s, Reason: r})
	return d
}

// A Report is what SES says about a mail after it has left us.
type Report struct {
	Delivery  DeliveryKey
	Mark      string // the delivery's own when the mail was sent; "" when the report does not say
	Type      ReportType
	Permanent bool   // of a bounce: the address is dead
	Detail    Reason // e.g. a bounce's subtype; never an address
	MessageID string
	At        time.Time
}

// A ReportType is the type of an SES event.
type ReportType string

const (
	ReportSend             ReportType = "send"
	ReportDelivery         ReportType = "delivery"
	ReportBounce           ReportType = "bounce"
	ReportComplaint        ReportType = "complaint"
	ReportReject           ReportType = "reject"
	ReportDelay            ReportType = "delay"
	ReportRenderingFailure ReportType = "rendering-failure"
)

// rank orders the outcomes: a report never takes a delivery back to an earlier one, so that reports
// may come twice, late or in any order.
var rank = map[DeliveryStatus]int{Sent: 1, Failed: 2, Delivered: 3, Bounced: 4, Complained: 5}

// Hear applies a report, and says whether it changed anything.
func (d Delivery) Hear(r Report) (Delivery, bool) {
	status := map[ReportType]DeliveryStatus{
		ReportSend: Sent, ReportDelivery: Delivered, ReportComplaint: Complained,
		ReportReject: Failed, ReportRenderingFailure: Failed,
	}[r.Type]
	if r.Type == ReportBounce {
		status = Bounced
	}
	if status == "" || rank[status] <= rank[d.Status] || r.Mark != "" && r.Mark != d.Mark {
		return d, false
	}
	if d.MessageID == "" {
		d.MessageID, d.SentAt = r.MessageID, r.At
	}
	reason := r.Detail
	if status == Failed {
		reason = RejectedBySES
	}
	return d.step(status, reason, r.At, time.Time{}), true
}

// Address is what a report says about the address beyond this mail, or "".
func (r Report) Address() MailState {
	switch {
	case r.Type == ReportBounce && r.Permanent:
		return MailBounced
	case r.Type == ReportComplaint:
		return MailComplained
	}
	return ""
}

// A Mail is a message ready to be handed to SES.
type Mail struct {
	To       string // in ASCII
	Raw      []byte // RFC 5322
	Delivery DeliveryKey
	Mark     string // see Delivery
	Attempt  int
}
