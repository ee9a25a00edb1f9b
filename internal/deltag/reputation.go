package deltag

import "time"

// Outcomes count what SES has reported about mails: hard bounces alone are Bounced.
type Outcomes struct{ Delivered, Bounced, Complained int }

// Add is the sum of both.
func (o Outcomes) Add(p Outcomes) Outcomes {
	return Outcomes{o.Delivered + p.Delivered, o.Bounced + p.Bounced, o.Complained + p.Complained}
}

// A Reputation is what decides whether mail goes to an address that has never received any. SES reviews an account whose
// bounce rate reaches 5 % or whose complaint rate reaches 0.1 %, and may pause it: then nobody gets mail. Made-up
// addresses bounce, so mail to strangers stops before that.
type Reputation struct {
	Account Outcomes // on one day (UTC)
	Network Outcomes // of mails that forms asked for, from the visitor's network, within one or two hours
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

// HoldReason says why d must not be sent to an address that has never received mail, or "" if it may.
func (r Reputation) HoldReason(d Delivery) Reason {
	switch {
	case d.Kind == KindPreview || d.Kind == KindOrganiserNote:
		return "" // to the organiser
	case d.Network != "" && r.Network.bounceRate(minNetworkBounces) >= networkBounceRate:
		return ReasonNetworkBounces
	case r.Account.bounceRate(minAccountBounces) > accountBounceRate,
		r.Account.complaintRate(minAccountComplaints) > accountComplaintRate:
		return ReasonReputation
	}
	return ""
}

// bounceRate is 0 if fewer than least mails bounced.
func (o Outcomes) bounceRate(least int) float64 { return o.rate(o.Bounced, least) }

// complaintRate is 0 if there were fewer than least complaints.
func (o Outcomes) complaintRate(least int) float64 { return o.rate(o.Complained, least) }

func (o Outcomes) rate(n, least int) float64 {
	if n < least {
		return 0
	}
	return float64(n) / float64(max(1, o.Delivered+o.Bounced)) // complaints may come on a later day than their mails
}

// ReputationBackoff is how long mail waits before the account's reputation is looked at again.
const ReputationBackoff = 15 * time.Minute

// WaitForReputation makes d due again after ReputationBackoff. Its history says since when it waits.
func (d Delivery) WaitForReputation(now time.Time) Delivery {
	waits := d.Status == DeliveryPending && d.Reason == ReasonReputation
	next := d.transition(DeliveryPending, ReasonReputation, now, now.Add(ReputationBackoff))
	if waits {
		next.History = d.History
	}
	return next
}

// Hold is r after mail to it was held because of its network: it gets none before the organiser releases it, or a
// button behind one of its personal links is pressed. Its status stays.
func (r Registration) Hold(now time.Time) Registration {
	r.HeldAt = now
	r.Revision++
	return r
}

// IsHeld says whether mail to r waits for the organiser to release it.
func (r Registration) IsHeld() bool { return !r.HeldAt.IsZero() }

// Release lets mail go to r again.
func (r Registration) Release() Registration {
	r.HeldAt = time.Time{}
	r.Revision++
	return r
}

// Outcomes are what e adds to those of its account and network.
func (e SESEvent) Outcomes() Outcomes {
	switch {
	case e.Type == SESDelivery:
		return Outcomes{Delivered: 1}
	case e.Type == SESBounce && e.Permanent:
		return Outcomes{Bounced: 1}
	case e.Type == SESComplaint:
		return Outcomes{Complained: 1}
	}
	return Outcomes{}
}
