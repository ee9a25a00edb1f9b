package deltag

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A DeliveryKey identifies a row of the mail ledger. There is one for each registration, kind of mail and version.
type DeliveryKey struct {
	EventID        string
	RegistrationID string
	Kind           MailKind
	Version        int
}

// ID identifies the delivery within its event: "<registration>.<kind>.<version>".
func (k DeliveryKey) ID() string {
	return k.RegistrationID + "." + string(k.Kind) + "." + strconv.Itoa(k.Version)
}

// Tag identifies the delivery among those of all events, "<event>_<registration>_<kind>_<version>". SES documents ASCII
// letters, digits, _ and - for a message tag, at most 256; ids and kinds contain no _.
func (k DeliveryKey) Tag() string {
	return strings.Join([]string{k.EventID, k.RegistrationID, string(k.Kind), strconv.Itoa(k.Version)}, tagSeparator)
}

const tagSeparator = "_"

// ParseDeliveryID reads what ID returns. ErrNotFound if id is malformed.
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

// A DeliveryStatus is how far a delivery has come. docs/architecture.md draws the transitions.
type DeliveryStatus string

const (
	DeliveryPending    DeliveryStatus = "pending"
	DeliverySending    DeliveryStatus = "sending" // claimed by a sender until NextAttemptAt
	DeliverySent       DeliveryStatus = "sent"    // accepted by SES
	DeliveryDelivered  DeliveryStatus = "delivered"
	DeliveryBounced    DeliveryStatus = "bounced"
	DeliveryComplained DeliveryStatus = "complained"
	DeliverySkipped    DeliveryStatus = "skipped"
	DeliveryFailed     DeliveryStatus = "failed"
	DeliveryUnknown    DeliveryStatus = "unknown" // submitted to SES, without a response
)

// DeliveryStatuses lists all of them.
var DeliveryStatuses = []DeliveryStatus{
	DeliveryPending, DeliverySending, DeliverySent, DeliveryDelivered, DeliveryBounced, DeliveryComplained,
	DeliverySkipped, DeliveryFailed, DeliveryUnknown,
}

// A Reason says why a mail was skipped, has failed or is delayed. The values are stable: the API shows them.
type Reason string

// Reasons to skip a mail.
const (
	ReasonEventCancelled        Reason = "event-cancelled"
	ReasonEventOver             Reason = "event-over"
	ReasonEventStarted          Reason = "event-started"
	ReasonOldSchedule           Reason = "old-schedule"
	ReasonRegistrationCancelled Reason = "registration-cancelled"
	ReasonWaitlisted            Reason = "registration-waiting"
	ReasonUnverified            Reason = "registration-unverified"
	ReasonLinkExpired           Reason = "link-expired" // of a verification: it could not be sent for a day
	ReasonNotWaitlisted         Reason = "not-waiting"
	ReasonConfirmed             Reason = "has-seat"
	ReasonSignedUpLater         Reason = "joined-later"
	ReasonSuperseded            Reason = "superseded" // by a later transactional mail, or a later reminder that is due too
	ReasonAddressBounced        Reason = "address-bounced"
	ReasonAddressComplained     Reason = "address-complained"
	ReasonUnsubscribed          Reason = "unsubscribed"
	ReasonAttended              Reason = "attended"
	ReasonNotAttended           Reason = "not-attended"
	ReasonRegistrationGone      Reason = "registration-gone" // erased, or its address was changed
	ReasonNetworkBounces        Reason = "network-bounces"   // held; see Registration.Hold
	ReasonNotWanted             Reason = "confirmation-off"  // see SignUpRequest.WithoutMail
)

// Reasons why a mail is delayed, has failed or is sent again.
const (
	ReasonThrottled        Reason = "throttled"           // above SES's sending rate
	ReasonSendQuota        Reason = "daily-quota"         // SES's quota for 24 hours is used up
	ReasonDailyLimit       Reason = "too-many-today"      // Delivery.DailyLimit is reached; waits for the next day
	ReasonReputation       Reason = "sender-reputation"   // see Reputation
	ReasonNotSubmitted     Reason = "not-handed-over"     // see ErrNotSubmitted
	ReasonNotAllowed       Reason = "sending-not-allowed" // see ErrSendingNotAllowed
	ReasonNoResponse       Reason = "no-answer"           // submitted to SES, without a response
	ReasonRejected         Reason = "rejected"            // SES refused the message
	ReasonRenderFailed     Reason = "not-composed"        // an error in making the message
	ReasonResent           Reason = "resent"              // the organiser asked for it
	ReasonRetriesExhausted Reason = "gave-up"             // see MaxRetryAge
)

// SendLease is how long a sender holds a delivery that it has claimed, and how long one without a response waits for
// SES's event before it is sent again. Events usually arrive within seconds; ten minutes allow for a slow day.
const SendLease = 10 * time.Minute

// A delivery fails when it has been retried for MaxRetryAge since its first attempt and at least MaxAttempts times. The
// second makes sure that an outage of our own uses up no retries. SkipReason ends mail about an event earlier.
const (
	MaxRetryAge = 72 * time.Hour
	MaxAttempts = 100 // about a day at maxRetryWait
)

// maxRetryWait is the longest time between two attempts.
const maxRetryWait = 15 * time.Minute

// QuotaBackoff is how long sending pauses when SES's quota for 24 hours is used up. The 24 hours are a sliding
// window, so a part of the quota becomes free again at any time.
const QuotaBackoff = 15 * time.Minute

// Limits of the mails to one mailbox on one day (UTC), of all events together: nobody's inbox can be flooded. What goes
// beyond waits for the next day. Mail that a form asks for, which a stranger can fill in who knows no more than the address,
// has the lower limit, so that it cannot use up what the owner and the organiser ask for. See MailKind.IsLimited.
const (
	MaxMailsPerMailboxPerDay     = 40
	MaxFormMailsPerMailboxPerDay = 20
)

// MaxUnconfirmedSends is how often one mail is submitted to SES without a response. Each may have been sent, so this is
// the highest number of copies that somebody can get, of each time that the organiser asks for the mail.
//
// A 5xx of SES counts like no response: it is no proof that the mail was not accepted. So an outage must not be met
// with more sends, but with later ones: the second comes after SendLease, the last after lastSendWait or, since a
// reminder is worth nothing once the event has started, lastReminderWait. An outage of two hours, or of 50 minutes for
// a reminder, loses no mail. After a longer one the mail has failed, which is logged as an error, and the organiser may
// resend it.
const MaxUnconfirmedSends = 3

const (
	lastSendWait     = 2 * time.Hour
	lastReminderWait = 40 * time.Minute // one that is due an hour before the start comes ten minutes before it
)

// A Delivery is a row of the mail ledger: one mail to one registration, and its status. The methods that take a time
// are its only state changes. Each returns the next state with Revision one higher, which the store writes if the
// stored revision is the one before.
type Delivery struct {
	DeliveryKey
	Email         Address // the recipient's now; once sent, the one it was sent to
	Status        DeliveryStatus
	Reason        Reason
	DueAt         time.Time
	NextAttemptAt time.Time // when it becomes due, again. Zero: never
	Attempt       int       // number of claims, also before it was resent
	SentAt        time.Time
	MessageID     string // SES's
	Revision      int    // 0: not stored yet
	History       []StatusChange
	Generation    string // Registration.Generation of the registration that it was made for
	// DetachedRecipient is the recipient of a mail to somebody without a registration: a final mail, a mail to the
	// organiser, or one about an AddressChange. Nil for all others.
	DetachedRecipient *Registration
	Text              string  // the organiser's text, of a KindPreview
	Digest            *Digest // of a KindOrganiserNote; nil for none
	ByForm            bool    // asked for by a form that anybody can fill in with the address; see DailyLimit
	NetworkHash       string  // of the visitor's network, until the outcome is known. "": none counts
}

// DailyLimit is how many mails a mailbox may have had on a day so that d may still be sent.
func (d Delivery) DailyLimit() int {
	if d.ByForm {
		return MaxFormMailsPerMailboxPerDay
	}
	return MaxMailsPerMailboxPerDay
}

// A StatusChange is one entry of a delivery's history.
type StatusChange struct {
	At     time.Time
	Status DeliveryStatus
	Reason Reason
}

// NewDelivery is a pending mail to r. Its first write must be conditional on the row's absence.
func NewDelivery(r Registration, k MailKind, version int, due time.Time) Delivery {
	return Delivery{
		DeliveryKey: DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: k, Version: version},
		Email:       r.Email, Generation: r.Generation(), Status: DeliveryPending, DueAt: due, NextAttemptAt: due,
	}
}

// NewFinalDelivery is the last mail to the address of r, which is erased or gets another address. It removes r's entry
// from the calendar.
func NewFinalDelivery(e Event, r Registration, k MailKind, now time.Time) Delivery {
	recipient := Registration{
		EventID: r.EventID, ID: r.ID, Name: r.Name, Email: r.Email, Language: r.Language,
		Status: RegistrationCancelled, AddressStatus: r.AddressStatus, ICalSequence: r.ICalSequence + 1,
		FormerCalendarUID: r.CalendarUID(),
	}
	if r.Status == RegistrationConfirmed && now.Before(e.EndsAt) {
		recipient.ConfirmedAt = r.ConfirmedAt // only then is there an entry
	}
	d := NewDelivery(recipient, k, r.MailVersion+1, now)
	d.DetachedRecipient = &recipient
	return d
}

// NewOrganiserDelivery is a mail to the organiser: a preview of a message, a copy of a reminder, or a note.
func NewOrganiserDelivery(e Event, k MailKind, version int, due time.Time) Delivery {
	address := Address{Original: e.Organiser.Email, Normalized: strings.ToLower(e.Organiser.Email)}
	recipient := Registration{
		EventID: e.ID, ID: RegistrationID(e, address), Name: e.Organiser.Name, Email: address, Language: e.Language,
		Status: RegistrationConfirmed, AddressStatus: AddressOK,
	}
	d := NewDelivery(recipient, k, version, due)
	d.DetachedRecipient = &recipient
	return d
}

// Readdressed is d, a mail to the organiser that waits, with the address that the event's organiser has now.
func (d Delivery) Readdressed(e Event) Delivery {
	now := NewOrganiserDelivery(e, d.Kind, d.Version, d.DueAt)
	recipient := *now.DetachedRecipient
	recipient.ID = d.RegistrationID // the row's key stays
	d.Email, d.DetachedRecipient = now.Email, &recipient
	return d
}

// IsToOrganiser says whether d is a preview, a copy of a reminder or a note, which belong to no registration.
func (d Delivery) IsToOrganiser() bool {
	return d.DetachedRecipient != nil && !d.Kind.IsFinal() && d.Kind != KindVerification
}

// MailContext is that of d, to r.
func (d Delivery) MailContext(e Event, r Registration) MailContext {
	return MailContext{Event: e, Registration: r, Kind: d.Kind, Version: d.Version, DueAt: d.DueAt, ByForm: d.ByForm, Digest: d.Digest}
}

// IsActive says whether d is still to be sent, or its outcome is still unknown.
func (d Delivery) IsActive() bool {
	return d.Status == DeliveryPending || d.Status == DeliverySending || d.Status == DeliveryUnknown
}

// Claimable says whether d may be claimed at now: it is active, and due or its lease has ended.
func (d Delivery) Claimable(now time.Time) bool { return d.IsActive() && !now.Before(d.NextAttemptAt) }

// Claim gives d to a sender for SendLease. If the sender crashes, d becomes due again at the end; if SES had accepted
// the mail, its event has arrived before.
func (d Delivery) Claim(now time.Time) Delivery {
	d.Attempt++
	return d.transition(DeliverySending, "", now, now.Add(SendLease))
}

// Skip ends d unsent.
func (d Delivery) Skip(r Reason, now time.Time) Delivery {
	return d.transition(DeliverySkipped, r, now, time.Time{})
}

// Fail ends d unsent, with an error.
func (d Delivery) Fail(r Reason, now time.Time) Delivery {
	return d.transition(DeliveryFailed, r, now, time.Time{})
}

// ScheduleRetry makes a claimed d pending again after a temporary error. The wait doubles with each attempt, from one
// second to maxRetryWait. After the last retry, see MaxRetryAge, d fails.
func (d Delivery) ScheduleRetry(r Reason, now time.Time) Delivery {
	attempts := d.AttemptsSinceResend()
	if attempts >= MaxAttempts && now.Sub(d.sendingHistory()[0].At) >= MaxRetryAge {
		return d.Fail(ReasonRetriesExhausted, now)
	}
	doublings := min(attempts-1, 10) // 2^10 seconds are more than maxRetryWait
	wait := min(time.Second<<doublings, maxRetryWait)
	if r == ReasonSendQuota {
		wait = QuotaBackoff
	}
	return d.transition(DeliveryPending, r, now, now.Add(wait))
}

// WaitForNextDay makes d due again on the next day (UTC): its mailbox has had all its mails of this one. The mails that
// wait are spread over ten minutes by their keys.
func (d Delivery) WaitForNextDay(now time.Time) Delivery {
	tomorrow := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	return d.transition(DeliveryPending, ReasonDailyLimit, now, tomorrow.Add(d.spread(10*time.Minute)))
}

// spread is a time below most that d's key decides, in seconds: mails that wait for the same moment are spread by it.
func (d Delivery) spread(most time.Duration) time.Duration {
	seconds := uint32(most / time.Second)
	return time.Duration(crc32.ChecksumIEEE([]byte(d.ID()))%seconds) * time.Second
}

// sendingHistory is d's history since the organiser last asked for it, or all of it.
func (d Delivery) sendingHistory() []StatusChange {
	for i := len(d.History) - 1; i >= 0; i-- {
		if d.History[i].Reason == ReasonResent {
			return d.History[i+1:]
		}
	}
	return d.History
}

// AttemptsSinceResend is the number of claims since the organiser last asked for d, or of all of them.
func (d Delivery) AttemptsSinceResend() int {
	n := 0
	for _, change := range d.sendingHistory() {
		if change.Status == DeliverySending {
			n++
		}
	}
	return n
}

// UnconfirmedSends is how often d may have been submitted to SES without a response: the sender saw none, or crashed
// before it recorded one. A send that is going on counts too. Those before the last Resend do not: the organiser has
// asked for one more mail, whatever became of the earlier ones.
func (d Delivery) UnconfirmedSends() int {
	n := 0
	history := d.sendingHistory()
	for i, change := range history {
		isLast := i+1 == len(history)
		hasNoOutcome := change.Status == DeliverySending && (isLast || history[i+1].Status == DeliverySending)
		if hasNoOutcome || change.Status == DeliveryUnknown {
			n++
		}
	}
	return n
}

// MarkUnknown records that d was submitted to SES without a response. It waits for SES's event, or for the next send;
// see MaxUnconfirmedSends.
func (d Delivery) MarkUnknown(now time.Time) Delivery {
	wait := SendLease
	if d.UnconfirmedSends() == MaxUnconfirmedSends-1 {
		wait = lastSendWait
		if d.Kind.IsReminder() {
			wait = lastReminderWait
		}
	}
	return d.transition(DeliveryUnknown, ReasonNoResponse, now, now.Add(wait))
}

// MarkSent records that SES has accepted d. A status that an SES event has set in the meantime is kept.
func (d Delivery) MarkSent(messageID string, now time.Time) Delivery {
	d.MessageID, d.SentAt = messageID, now
	if !d.IsActive() {
		d.Revision++
		return d
	}
	return d.transition(DeliverySent, "", now, time.Time{})
}

// Resend makes d due again after it has ended, because the organiser asks for it. Attempt goes on: it tells the events
// about the mails before from those about the next.
func (d Delivery) Resend(now time.Time) Delivery {
	d.SentAt, d.MessageID, d.DueAt, d.NetworkHash = time.Time{}, "", now, ""
	return d.transition(DeliveryPending, ReasonResent, now, now)
}

func (d Delivery) transition(s DeliveryStatus, r Reason, now, nextAttempt time.Time) Delivery {
	d.Status, d.Reason, d.NextAttemptAt = s, r, nextAttempt
	d.Revision++
	if !d.IsActive() && s != DeliverySent {
		d.NetworkHash = ""
	}
	// Append to a copy: the caller's value keeps its history.
	d.History = append(slices.Clip(d.History), StatusChange{At: now, Status: s, Reason: r})
	return d
}
