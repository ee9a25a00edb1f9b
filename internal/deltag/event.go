// Package deltag is the domain: events, registrations and the mails about them, and the rules for them. It imports the
// standard library only, and every rule takes the time as an argument.
package deltag

import (
	"regexp"
	"slices"
	"sync"
	"time"
)

// An EventStatus is what the organiser has decided. Whether sign-up is open also depends on the time: see
// SignUpStateAt.
type EventStatus string

const (
	EventDraft     EventStatus = "draft"
	EventOpen      EventStatus = "open"
	EventClosed    EventStatus = "closed"
	EventCancelled EventStatus = "cancelled"
)

// An Event is an online event that people sign up for: a webinar, a think tank. All times are UTC.
type Event struct {
	ID          string
	Slug        string
	Title       string
	Description string // plain text; a blank line starts a paragraph
	Language    Language
	StartsAt    time.Time
	EndsAt      time.Time
	TimeZone    string // IANA name of the zone that pages and mails show times in
	Capacity    *int   // nil: no limit
	HasWaitlist bool
	Verify      VerifyPolicy
	JoinURL     string // where the meeting is; shown to attendees only, from JoinOpensAt
	Organiser   Organiser
	// PromotionCutoff is an offset from the start after which nobody on the waitlist is given a seat. Zero: the end.
	PromotionCutoff Offset

	SignUpOpensAt  time.Time // zero: at once
	SignUpClosesAt time.Time // zero: when the event ends
	RetentionDays  int       // personal data is erased this many days after the end
	Questions      []Question
	ScheduledMails []ScheduledMail
	// ConfirmationText is the organiser's own paragraph in the mails that say that somebody has a seat.
	ConfirmationText string
	Status           EventStatus

	// Secret is the key that registration ids are made with. No page, mail or API shows it.
	Secret []byte
	// HasSeatCounter is true once the event has had a capacity: from then on its seats are counted.
	HasSeatCounter bool
	// Revision rises by one with each write, which is conditional on the one that was read.
	Revision int
	// ScheduleVersion rises when the times move. Reminders of an earlier version are not sent.
	ScheduleVersion int
	// ICalSequence is the SEQUENCE of the event's calendar entry. It rises with each change that calendars must show,
	// the last of which was made at CalendarChangedAt.
	ICalSequence      int
	CalendarChangedAt time.Time
	// LatestNotice is the mail about that change. It waits NoticeDebounce for further edits, and stays here when sent.
	LatestNotice Notice
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// An Organiser is the person or organisation that an event is held by.
type Organiser struct {
	Name              string
	Email             string // domain in ASCII; the Reply-To of every mail
	ReceivesReminders bool   // gets a copy of each reminder
	ReceivesDigest    bool   // gets a Digest in the morning, when there is something new
}

// A QuestionKind is how a question is answered.
type QuestionKind string

const (
	QuestionShortText      QuestionKind = "short"
	QuestionLongText       QuestionKind = "long"
	QuestionChoice         QuestionKind = "choice"
	QuestionMultipleChoice QuestionKind = "multiple"
	QuestionCheckbox       QuestionKind = "tick"
)

// A Question is one that the organiser adds to the sign-up form.
type Question struct {
	ID       string // see questionIDPattern; the form field is answers.<ID>
	Kind     QuestionKind
	Label    string
	Options  []string // of QuestionChoice and QuestionMultipleChoice, empty for others
	Required bool
}

// A ScheduledMail is a mail to all attendees at an offset from the event: a reminder at or before the start (Offset zero
// or negative), or a follow-up at or after the end (Offset zero or positive).
type ScheduledMail struct {
	Kind   MailKind
	Offset Offset
	Text   string // the organiser's own paragraph; a follow-up without one is not sent
}

// DefaultScheduledMails go out 24 hours, 1 hour and 10 minutes before the start.
func DefaultScheduledMails() []ScheduledMail {
	return []ScheduledMail{reminderAt(-24 * time.Hour), reminderAt(-time.Hour), reminderAt(-10 * time.Minute)}
}

// reminderAt is a reminder at an offset from the start.
func reminderAt(d time.Duration) ScheduledMail {
	return ScheduledMail{Kind: ReminderKind(Offset(d)), Offset: Offset(d)}
}

// Limits of an event, in characters or pieces where no unit is given. They keep its item far below DynamoDB's limit of
// 400 KB, and a mail readable.
const (
	MaxTitle          = 120
	MaxDescription    = 5000
	MaxQuestions      = 20
	MaxOptions        = 30
	MaxReminders      = 10
	MaxCapacity       = 100_000
	MaxRetention      = 365 // days
	MaxReminderOffset = 60 * 24 * time.Hour
	MaxDays           = 31 // from start to end, of 24 hours each
)

// minYear and maxYear are those of all times of an event, in UTC. RFC 3339 has no years beyond 9999.
const (
	minYear = 2000
	maxYear = 2199
)

// JoinLeadTime is how long before the start the join page opens.
const JoinLeadTime = 15 * time.Minute

// JoinOpensAt is when the join page begins to link to the meeting.
func (e Event) JoinOpensAt() time.Time { return e.StartsAt.Add(-JoinLeadTime) }

// RetentionEndsAt is when all personal data of the event is erased.
func (e Event) RetentionEndsAt() time.Time { return e.EndsAt.AddDate(0, 0, e.RetentionDays) }

// PromotionOpenAt says whether a free seat goes at now to somebody who has waited since joinedAt: until PromotionCutoff,
// and after that to those only who came later. They were put on the waitlist because a seat was taken for a moment.
func (e Event) PromotionOpenAt(now, joinedAt time.Time) bool {
	cutoff := e.EndsAt
	if e.PromotionCutoff != 0 {
		cutoff = e.StartsAt.Add(time.Duration(e.PromotionCutoff))
	}
	isOpen := now.Before(cutoff) || !joinedAt.Before(cutoff)
	return isOpen && e.Status != EventCancelled && now.Before(e.EndsAt)
}

// Zone is the event's time zone, or UTC if this build does not know its name.
func (e Event) Zone() *time.Location {
	if z, err := LoadLocation(e.TimeZone); err == nil {
		return z
	}
	return time.UTC
}

// A SignUpState says whether people can sign up, and if not, why.
type SignUpState string

const (
	SignUpOpen      SignUpState = "open"
	SignUpNotYet    SignUpState = "not-yet"
	SignUpClosed    SignUpState = "closed"
	SignUpOver      SignUpState = "over"
	SignUpCancelled SignUpState = "cancelled"
	SignUpDraft     SignUpState = "draft"
)

// SignUpStateAt is the state at now.
func (e Event) SignUpStateAt(now time.Time) SignUpState {
	switch {
	case e.Status == EventDraft:
		return SignUpDraft
	case e.Status == EventCancelled:
		return SignUpCancelled
	case !now.Before(e.EndsAt):
		return SignUpOver
	case e.Status == EventClosed:
		return SignUpClosed
	case now.Before(e.SignUpOpensAt):
		return SignUpNotYet
	case !e.SignUpClosesAt.IsZero() && !now.Before(e.SignUpClosesAt):
		return SignUpClosed
	}
	return SignUpOpen
}

// TakesSignUps says whether the organiser may sign somebody up at now: also to a draft, and while sign-up is closed.
func (e Event) TakesSignUps(now time.Time) bool {
	state := e.SignUpStateAt(now)
	return state != SignUpCancelled && state != SignUpOver
}

// Question returns the question with the given id, and whether there is one.
func (e Event) Question(id string) (Question, bool) {
	i := slices.IndexFunc(e.Questions, func(q Question) bool { return q.ID == id })
	if i < 0 {
		return Question{}, false
	}
	return e.Questions[i], true
}

// Compiled when first used: most requests to a function validate no event, and a cold start should not wait for it.
var (
	slugPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$`)
	})
	questionIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9-]{1,40}$`) })
)

// Validate returns ValidationErrors for everything in e that the organiser has to correct.
func (e Event) Validate() error {
	statuses := []EventStatus{EventDraft, EventOpen, EventClosed, EventCancelled}
	policies := []VerifyPolicy{VerifyAuto, VerifyAlways, VerifyNever}
	hasStart := !e.StartsAt.IsZero()
	isTooLong := hasStart && e.EndsAt.Sub(e.StartsAt) > MaxDays*24*time.Hour
	_, zoneErr := LoadLocation(e.TimeZone)
	capacityInRange := e.Capacity == nil || *e.Capacity >= 1 && *e.Capacity <= MaxCapacity
	cutoff := time.Duration(e.PromotionCutoff)
	var v validator
	v.requireLimit(slugPattern().MatchString(e.Slug), "slug", "slug-form", 60)
	v.checkLine("title", e.Title, 1, MaxTitle)
	v.checkText("description", e.Description, MaxDescription)
	v.require(e.Language.IsSupported(), "language", "unknown-language")
	v.require(hasStart, "startsAt", "missing")
	v.require(!hasStart || e.StartsAt.Year() >= minYear, "startsAt", "too-early")
	v.require(!hasStart || e.EndsAt.After(e.StartsAt), "endsAt", "not-after-start")
	v.require(e.EndsAt.Year() <= maxYear, "endsAt", "too-late")
	v.requireLimit(!isTooLong, "endsAt", "event-too-long", MaxDays)
	v.require(zoneErr == nil, "timeZone", "unknown-zone")
	v.requireLimit(capacityInRange, "capacity", "out-of-range", MaxCapacity)
	v.require(slices.Contains(policies, e.Verify), "verify", "unknown-verify")
	v.require(cutoff <= 0 && cutoff >= -MaxReminderOffset, "promoteUntil", "offset-range")
	v.require(e.JoinURL == "" || isHTTPS(e.JoinURL), "joinUrl", "not-https")
	v.checkLine("organiser.name", e.Organiser.Name, 1, MaxName)
	v.require(e.Organiser.Email != "", "organiser.email", "missing")
	v.requireLimit(e.RetentionDays >= 1 && e.RetentionDays <= MaxRetention, "retentionDays", "out-of-range", MaxRetention)
	e.validateSignUpTimes(&v)
	v.require(slices.Contains(statuses, e.Status), "status", "unknown-status")
	e.validateQuestions(&v)
	v.checkText("confirmationText", e.ConfirmationText, MaxDescription)
	e.validateReminders(&v)
	return ValidationErrors(v).Err()
}

func (e Event) validateSignUpTimes(v *validator) {
	check := func(field string, t time.Time) {
		v.require(t.IsZero() || t.Year() >= minYear, field, "too-early")
		v.require(t.Year() <= maxYear, field, "too-late")
	}
	check("signUpOpensAt", e.SignUpOpensAt)
	check("signUpClosesAt", e.SignUpClosesAt)
	closesAfterOpening := e.SignUpClosesAt.IsZero() || e.SignUpClosesAt.After(e.SignUpOpensAt)
	v.require(closesAfterOpening, "signUpClosesAt", "not-after-open")
}

func (e Event) validateQuestions(v *validator) {
	v.requireLimit(len(e.Questions) <= MaxQuestions, "questions", "too-many", MaxQuestions)
	seen := map[string]bool{}
	for _, q := range e.Questions {
		field := "questions." + q.ID
		v.requireLimit(questionIDPattern().MatchString(q.ID), "questions", "question-id", 40)
		v.require(!seen[q.ID], field, "twice")
		seen[q.ID] = true
		v.checkLine(field, q.Label, 1, 500)
		v.requireLimit(len(q.Options) <= MaxOptions, field, "too-many", MaxOptions)
		for _, o := range q.Options {
			v.checkLine(field, o, 1, MaxName)
		}
		switch q.Kind {
		case QuestionChoice, QuestionMultipleChoice:
			v.require(len(q.Options) > 0, field, "no-options")
		case QuestionShortText, QuestionLongText, QuestionCheckbox:
			v.require(len(q.Options) == 0, field, "has-options")
		default:
			v.require(false, field, "unknown-kind")
		}
	}
}

func (e Event) validateReminders(v *validator) {
	v.requireLimit(len(e.ScheduledMails) <= MaxReminders, "reminders", "too-many", MaxReminders)
	seen := map[MailKind]bool{}
	for _, r := range e.ScheduledMails {
		field := "reminders." + string(r.Kind)
		v.require(!seen[r.Kind], field, "twice")
		seen[r.Kind] = true
		v.checkText(field, r.Text, MaxDescription)
		offset := time.Duration(r.Offset)
		if r.Kind.IsFollowUp() {
			v.require(offset >= 0 && offset <= MaxReminderOffset, field, "offset-range")
			continue
		}
		v.require(r.Kind == ReminderKind(r.Offset), field, "kind-offset")
		v.require(offset <= 0 && offset >= -MaxReminderOffset, field, "offset-range")
	}
}
