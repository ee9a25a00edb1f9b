package deltag

// An Audience is the part of an event's registrations that a message is for.
type Audience string

const (
	AudienceAll         Audience = "all" // confirmed or waitlisted
	AudienceConfirmed   Audience = "confirmed"
	AudienceWaitlisted  Audience = "waiting"
	AudienceAttended    Audience = "attended"
	AudienceNotAttended Audience = "missed" // confirmed, and did not attend
	// AudienceSelected is those whom an organiser has picked: Mailing.Recipients.
	AudienceSelected Audience = "selected"
)

// Includes says whether r belongs to the audience. "" includes everybody; see Mailing.Targets for AudienceSelected.
func (a Audience) Includes(r Registration) bool {
	switch a {
	case AudienceAll:
		return r.IsActive()
	case AudienceConfirmed:
		return r.Status == RegistrationConfirmed
	case AudienceWaitlisted:
		return r.Status == RegistrationWaitlisted
	case AudienceAttended:
		return !r.AttendedAt.IsZero()
	case AudienceNotAttended:
		return r.Status == RegistrationConfirmed && r.AttendedAt.IsZero()
	case AudienceSelected:
		return false // no rule tells
	}
	return true
}
