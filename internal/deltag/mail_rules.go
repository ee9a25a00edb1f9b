package deltag

import "time"

// A MailContext is what a mail is rendered from, and what SkipReason decides on, as read just before it is sent.
type MailContext struct {
	Event            Event
	Registration     Registration
	Kind             MailKind
	Version          int
	DueAt            time.Time
	ByForm           bool           // Delivery.ByForm
	Suppression      AddressStatus  // of the address at all events; "" if nothing is known
	Text             string         // the organiser's own paragraph
	WaitlistPosition int            // counted from 1; of a KindWaitlisted
	Noted            []Registration // whom a KindOrganiserNote is about
	Digest           *Digest        // what else it tells; nil for nothing
}

// SkipReason says why the mail must not be sent at now, or "" if it may. It is the rule for one person; the order of the
// cases matters, since the first that holds is shown as the reason. docs/architecture.md lists the gates around it.
func (c MailContext) SkipReason(now time.Time) Reason {
	e, r := c.Event, c.Registration
	if reason := c.suppressionReason(); reason != "" {
		return reason
	}
	switch {
	case c.Kind.IsAccountKind():
		return c.accountSkipReason(now)
	case c.Kind.IsTransactional():
		return c.transactionalSkipReason(now)
	}
	switch {
	case r.Status == RegistrationUnverified:
		return ReasonUnverified
	case c.Kind == KindOrganiserNote:
		return c.noteSkipReason(now)
	case c.Kind == KindMessage, c.Kind == KindPreview, c.Kind.IsFinal():
		return ""
	case r.Status == RegistrationCancelled:
		return ReasonRegistrationCancelled
	case c.Kind == KindEventCancelled:
		return ""
	case e.Status == EventCancelled:
		return ReasonEventCancelled
	case c.Version != e.currentVersion(c.Kind):
		return ReasonOldSchedule
	case r.Status == RegistrationWaitlisted:
		return ReasonWaitlisted
	case c.Kind.IsReminder() && !now.Before(e.StartsAt):
		return ReasonEventStarted
	case c.Kind.IsChangeNotice() && !now.Before(e.EndsAt):
		return ReasonEventOver
	case c.Kind.IsChangeNotice() && e.LatestNotice.isShownTo(r, e.CalendarChangedAt):
		return ReasonSignedUpLater
	case c.Kind == KindFollowUpAttended && r.AttendedAt.IsZero():
		return ReasonNotAttended
	case c.Kind == KindFollowUpMissed && !r.AttendedAt.IsZero():
		return ReasonAttended
	case c.Kind.IsReminder() && !r.ConfirmedAt.Before(c.DueAt):
		return ReasonSignedUpLater
	case c.Kind.IsReminder() && e.hasReminderDue(c.DueAt, now): // after an outage, say, the last alone is news
		return ReasonSuperseded
	}
	return ""
}

// noteSkipReason skips a note that leaves the organiser nothing to do.
func (c MailContext) noteSkipReason(now time.Time) Reason {
	switch {
	case c.Event.Status == EventCancelled:
		return ReasonEventCancelled
	case !now.Before(c.Event.EndsAt):
		return ReasonEventOver
	case len(c.Noted) == 0 && c.Digest == nil:
		return ReasonRegistrationGone
	}
	return ""
}

// transactionalSkipReason skips a mail that a later one has replaced, or that does not say r's status any more.
func (c MailContext) transactionalSkipReason(now time.Time) Reason {
	e, r := c.Event, c.Registration
	switch {
	case c.Version < r.MailVersion:
		return ReasonSuperseded
	case e.Status == EventCancelled:
		return ReasonEventCancelled
	case !now.Before(e.EndsAt):
		return ReasonEventOver
	case c.Kind == KindRegistrationCancelled && r.Status != RegistrationCancelled,
		c.Kind == KindVerification && r.IsActive():
		return ReasonConfirmed
	case c.Kind == KindVerification && !now.Before(r.VerifyUntil):
		return ReasonLinkExpired
	case c.Kind == KindVerification:
		return ""
	case r.Status == RegistrationUnverified:
		return ReasonUnverified
	case c.Kind != KindRegistrationCancelled && r.Status == RegistrationCancelled:
		return ReasonRegistrationCancelled
	case c.Kind == KindWaitlisted && r.Status != RegistrationWaitlisted:
		return ReasonNotWaitlisted
	case (c.Kind == KindConfirmation || c.Kind == KindPromoted) && r.Status == RegistrationWaitlisted:
		return ReasonWaitlisted
	}
	return ""
}

// suppressionReason skips all mail to an address that bounces, and optional mail to one that does not want it. Whoever
// has complained gets none either that a stranger may have caused.
func (c MailContext) suppressionReason() Reason {
	for _, status := range []AddressStatus{c.Registration.AddressStatus, c.Suppression} {
		switch {
		case status == AddressBounced:
			return ReasonAddressBounced
		case status == AddressComplained && (c.Kind.IsUnsubscribable() || c.ByForm):
			return ReasonAddressComplained
		case status == AddressUnsubscribed && c.Kind.IsUnsubscribable():
			return ReasonUnsubscribed
		}
	}
	return ""
}

// ICalSequence is the SEQUENCE of the calendar entry of this event and registration. Neither of its parts ever falls
// while Registration.CalendarUID stays, so a later mail about the entry has a higher one, or the same.
func (c MailContext) ICalSequence() int { return c.Event.ICalSequence + c.Registration.ICalSequence }

// JoinLinkLeadTime is how long before the start a mail begins to say "starts in N minutes" and to link to the meeting.
const JoinLinkLeadTime = time.Hour

// IncludesJoinLink says whether the mail has the personal link to the meeting: it does shortly before the start and
// during the event. Other mail links to the page of the registration.
func (c MailContext) IncludesJoinLink(now time.Time) bool {
	timeLeft := c.Event.StartsAt.Sub(now)
	return c.Registration.Status == RegistrationConfirmed && timeLeft <= JoinLinkLeadTime && now.Before(c.Event.EndsAt)
}
