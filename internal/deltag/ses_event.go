package deltag

import (
	"slices"
	"strings"
	"time"
)

// An OutgoingMail is a message ready to be submitted to SES.
type OutgoingMail struct {
	To         string // domain in ASCII
	Raw        []byte // RFC 5322
	Delivery   DeliveryKey
	Generation string // Delivery.Generation
	Attempt    int    // Delivery.Attempt
}

// Tag is a message tag, which SES repeats in each event about the mail: the delivery's tag, and its generation.
func (m OutgoingMail) Tag() string {
	if m.Generation == "" {
		return m.Delivery.Tag()
	}
	return m.Delivery.Tag() + tagSeparator + m.Generation
}

// ParseMailTag reads what OutgoingMail.Tag returns. ErrNotFound if tag is malformed. The tags of earlier versions have
// dots; a complaint about such a mail may come weeks after it.
func ParseMailTag(tag string) (k DeliveryKey, generation string, err error) {
	parts := strings.Split(strings.ReplaceAll(tag, ".", tagSeparator), tagSeparator)
	if len(parts) == 5 {
		parts, generation = parts[:4], parts[4]
	}
	k, err = ParseDeliveryID(parts[0], strings.Join(parts[1:], "."))
	return k, generation, err
}

// An SESEvent is what SES reports about a mail that was submitted. Events may arrive twice, late and in any order.
type SESEvent struct {
	Delivery   DeliveryKey
	Generation string // of the mail's tag; "" if that had none
	Attempt    int    // OutgoingMail.Attempt; 0 if the mail did not say
	Type       SESEventType
	Permanent  bool   // of SESBounce: the address does not exist
	Detail     Reason // such as a bounce's subtype; never an address
	MessageID  string
	At         time.Time
}

// An SESEventType is the type of an SES event.
type SESEventType string

const (
	SESSend             SESEventType = "send" // accepted
	SESDelivery         SESEventType = "delivery"
	SESBounce           SESEventType = "bounce"
	SESComplaint        SESEventType = "complaint"
	SESReject           SESEventType = "reject"
	SESDeliveryDelay    SESEventType = "delay"
	SESRenderingFailure SESEventType = "rendering-failure"
)

// statusAfter is the status of a delivery after an event. SESDeliveryDelay changes nothing.
var statusAfter = map[SESEventType]DeliveryStatus{
	SESSend: DeliverySent, SESDelivery: DeliveryDelivered, SESBounce: DeliveryBounced, SESComplaint: DeliveryComplained,
	SESReject: DeliveryFailed, SESRenderingFailure: DeliveryFailed,
}

// reportedStatuses are those that SES reports, each of which a later one supersedes.
var reportedStatuses = []DeliveryStatus{DeliverySent, DeliveryFailed, DeliveryDelivered, DeliveryBounced, DeliveryComplained}

// Supersedes says whether an outcome s replaces the status old, so that events may be applied in any order.
func (s DeliveryStatus) Supersedes(old DeliveryStatus) bool {
	return slices.Index(reportedStatuses, s) > slices.Index(reportedStatuses, old) // -1 for one that SES does not report
}

// ApplySESEvent returns d as it is after an event, and whether the event changed it. Events about the mail of another
// registration, and about mail from before d was resent, leave it as it is: the mail that was asked for is still to be
// sent.
func (d Delivery) ApplySESEvent(e SESEvent) (Delivery, bool) {
	status, ok := statusAfter[e.Type]
	isForAnother := e.Generation != "" && e.Generation != d.Generation
	if !ok || isForAnother || d.wasResentAfter(e) || !status.Supersedes(d.Status) {
		return d, false
	}
	if d.MessageID == "" {
		d.MessageID, d.SentAt = e.MessageID, e.At
	}
	reason := e.Detail
	if status == DeliveryFailed {
		reason = ReasonRejected
	}
	return d.transition(status, reason, e.At, time.Time{}), true
}

// wasResentAfter says whether e is about d's mail from before the organiser asked for it again.
func (d Delivery) wasResentAfter(e SESEvent) bool {
	return e.Attempt > 0 && e.Attempt <= d.Attempt-d.AttemptsSinceResend()
}

// IsOutdated says whether e, which has not changed d, tells nothing about the address any more: d, or another mail
// to r about itself, was asked for after it. An event that comes again after a crash is not, and a bounce that is wrongly
// taken for one is reported anew, of that mail.
func (e SESEvent) IsOutdated(d Delivery, r Registration) bool {
	return d.wasResentAfter(e) || d.DetachedRecipient == nil && e.At.Before(r.LastMailedAt)
}

// AddressStatus is what e says about the address in general, or "" if nothing.
func (e SESEvent) AddressStatus() AddressStatus {
	switch {
	case e.Type == SESBounce && e.Permanent:
		return AddressBounced
	case e.Type == SESComplaint:
		return AddressComplained
	}
	return ""
}
