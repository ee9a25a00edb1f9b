package deltag

import "time"

// An Attendee is what a list shows of a registration.
type Attendee struct {
	ID            string
	Name          string
	Email         string // as it was typed
	Organisation  string
	JobTitle      string
	Answers       map[string][]string // by question id
	AllowsNews    bool
	AsksForNews   bool
	Status        RegistrationStatus
	RegisteredAt  time.Time
	AttendedAt    time.Time // zero: did not attend
	AddressStatus AddressStatus
}

// Attendee is r in a list.
func (r Registration) Attendee() Attendee {
	return Attendee{
		ID: r.ID, Name: r.Name, Email: r.Email.Original, Organisation: r.Organisation, JobTitle: r.JobTitle,
		Answers: r.Answers, AllowsNews: r.AllowsNews, AsksForNews: r.AsksForNews, Status: r.Status,
		RegisteredAt: r.RegisteredAt, AttendedAt: r.AttendedAt, AddressStatus: r.AddressStatus,
	}
}

// A NewsConsent is what is known of somebody's consent to hear of later events.
type NewsConsent string

const (
	NewsAllowed    NewsConsent = "yes"
	NewsNotAllowed NewsConsent = "no"
	NewsAsked      NewsConsent = "asked" // ticked, and not confirmed behind a personal link yet; see Registration.HasVerified
)

// NewsConsent is a's.
func (a Attendee) NewsConsent() NewsConsent {
	switch {
	case a.AllowsNews:
		return NewsAllowed
	case a.AsksForNews:
		return NewsAsked
	}
	return NewsNotAllowed
}

// MayBeWrittenTo says whether an organiser may write to a by other means than Deltag: the address is known to be the
// person's own, takes mail, and wants it.
func (a Attendee) MayBeWrittenTo() bool {
	return a.Status != RegistrationUnverified && a.AddressStatus == AddressOK
}

// AttendeeParts is how many parts a list of all attendees of an event has. They are about equally long, as ids are
// random, and each is read at once.
const AttendeeParts = 16

// NoteAttended is r with what the organiser has noted: that the person attended, at now, or did not. Unlike
// MarkAttended it is no press on a personal link. It returns false if nothing changes; a time that is known stays.
func (r Registration) NoteAttended(attended bool, now time.Time) (Registration, bool) {
	if attended == !r.AttendedAt.IsZero() {
		return r, false
	}
	r.AttendedAt = time.Time{}
	if attended {
		r.AttendedAt = now
	}
	r.Revision++
	return r, true
}
