package deltag

import "time"

// FeedbackCounts count what SES has reported about mails: hard bounces alone are Bounced.
type FeedbackCounts struct{ Delivered, Bounced, Complained int }

// Add is the sum of both.
func (o FeedbackCounts) Add(p FeedbackCounts) FeedbackCounts {
	return FeedbackCounts{o.Delivered + p.Delivered, o.Bounced + p.Bounced, o.Complained + p.Complained}
}

// A Reputation is what decides whether mail goes to an address that has never received any. SES reviews an account whose
// bounce rate reaches 5 % or whose complaint rate reaches 0.1 %, and may pause it: then nobody gets mail. Made-up
// addresses bounce, so mail to strangers stops before that.
type Reputation struct {
	Account FeedbackCounts // on one day (UTC)
	Network FeedbackCounts // of mails that forms asked for, from the visitor's network, within one or two hours
}

// Limits of a Reputation. A rate means nothing as long as few mails bounce.
const (
	minNetworkBounces    = 5
	networkBounceRate    = 0.1
	minAccountBounces    = 10
	accountBounceRate    = 0.03
	minAccountComplaints = 3
	accountComplaintRate = 0.0008
)

// GuardReason says why d must not be sent to an address that has never received mail, or "" if it may.
func (r Reputation) GuardReason(d Delivery) Reason {
	switch {
	case d.IsToOrganiser() || d.Kind.IsFinal(): // final: the address is deleted with it
		return ""
	case d.NetworkHash != "" && r.Network.bounceRate(minNetworkBounces) >= networkBounceRate:
		return ReasonNetworkBounces
	case r.Account.bounceRate(minAccountBounces) > accountBounceRate,
		r.Account.complaintRate(minAccountComplaints) > accountComplaintRate:
		return ReasonReputation
	}
	return ""
}

// bounceRate is 0 if fewer than least mails bounced.
func (o FeedbackCounts) bounceRate(least int) float64 { return o.rate(o.Bounced, least) }

// complaintRate is 0 if there were fewer than least complaints.
func (o FeedbackCounts) complaintRate(least int) float64 { return o.rate(o.Complained, least) }

func (o FeedbackCounts) rate(n, least int) float64 {
	if n < least {
		return 0
	}
	return float64(n) / float64(max(1, o.Delivered+o.Bounced)) // complaints may come on a later day than their mails
}

// ReputationBackoff is how long mail waits, at least, before the account's reputation is looked at again. It waits up to
// twice as long, by its key, so that what waits does not go out all at once, before SES can report that it bounces.
const ReputationBackoff = 15 * time.Minute

// WaitForReputation makes d due again after ReputationBackoff. Its history says since when it waits.
func (d Delivery) WaitForReputation(now time.Time) Delivery {
	waits := d.Status == DeliveryPending && d.Reason == ReasonReputation
	next := d.transition(DeliveryPending, ReasonReputation, now, now.Add(ReputationBackoff+d.spread(ReputationBackoff)))
	if waits {
		next.History = d.History
	}
	return next
}

// Hold is r, whose sign-up was to be answered with a mail that is held because of its network: it has to be verified, and
// has neither seat nor waitlist place until then. Its link works for VerificationPeriod after the organiser was told.
func (r Registration) Hold(told time.Time) Registration {
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationUnverified, time.Time{}, time.Time{}
	if until := told.Add(VerificationPeriod); r.VerifyUntil.Before(until) {
		r.VerifyUntil = until
	}
	r.Revision++
	return r
}

// FeedbackCounts are what e adds to those of its account and network.
func (e SESEvent) FeedbackCounts() FeedbackCounts {
	switch {
	case e.Type == SESDelivery:
		return FeedbackCounts{Delivered: 1}
	case e.Type == SESBounce && e.Permanent:
		return FeedbackCounts{Bounced: 1}
	case e.Type == SESComplaint:
		return FeedbackCounts{Complained: 1}
	}
	return FeedbackCounts{}
}
