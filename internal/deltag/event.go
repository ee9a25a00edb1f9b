// Package deltag is the domain: events, registrations and the mails about them, with the rules they
// obey. It imports the standard library only; every rule takes the time as an argument.
package deltag

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Language is one that Deltag speaks.
type Language string

const (
	LanguageDanish  Language = "da"
	LanguageEnglish Language = "en"
)

// Languages are all of them, the default first.
var Languages = []Language{LanguageDanish, LanguageEnglish}

// IsSupported says whether Deltag speaks it.
func (l Language) IsSupported() bool { return slices.Contains(Languages, l) }

// An EventStatus is what the organiser has decided; time decides the rest (see SignUpAt).
type EventStatus string

const (
	EventDraft     EventStatus = "draft"
	EventOpen      EventStatus = "open"
	EventClosed    EventStatus = "closed"
	EventCancelled EventStatus = "cancelled"
)

// An Event is a webinar, a think tank, anything online that people sign up for. Times are UTC.
type Event struct {
	ID          string
	Slug        string
	Title       string
	Description string // plain text; a blank line starts a paragraph
	Language    Language
	StartsAt    time.Time
	EndsAt      time.Time
	TimeZone    string // IANA name, in which its readers are told the time
	Capacity    *int   // nil: no limit
	HasWaitlist bool
	JoinURL     string // where the meeting is; only shown to attendees, when it opens
	Organiser   Organiser
	// PromotionCutoff is the distance from the start after which nobody in line gets a seat any more; zero: until the end.
	PromotionCutoff Offset

	SignUpOpensAt  time.Time // zero: at once
	SignUpClosesAt time.Time // zero: when the event ends
	RetentionDays  int       // personal data is erased so many days after the end
	Questions      []Question
	Reminders      []Reminder
	Status         EventStatus

	// Secret keys the registration ids. It never leaves the store's item.
	Secret []byte
	// HasSeatCounter is true once the event has had a limit: its seats are counted on one item from then on.
	HasSeatCounter bool
	// Revision rises with each write of the event; a write names the one it has read.
	Revision int
	// ScheduleVersion is the version of the schedule. It rises when the times move; mail of an older one is skipped.
	ScheduleVersion int
	// ICalSequence is the invitation's SEQUENCE; it rises with each change that calendars must show, at ChangedAt.
	ICalSequence      int
	CalendarChangedAt time.Time
	// PendingNotice is the mail about the last such change, while it waits for further edits.
	PendingNotice Notice
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Organiser is who invites.
type Organiser struct {
	Name  string
	Email string // in ASCII; replies to every mail go there
	// ReceivesReminders: gets the reminders too.
	ReceivesReminders bool
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

// A Question is one of the organiser's own.
type Question struct {
	ID       string // [a-z0-9-]; the form field is answers.<ID>
	Kind     QuestionKind
	Label    string
	Options  []string // of choice and multiple choice
	Required bool
}

// A Reminder is a mail to all attendees at a distance from the event: before its start when Offset is
// negative or zero, after its end when positive (follow-ups).
type Reminder struct {
	Kind   MailKind
	Offset Offset
	Text   string // the organiser's own paragraph; a follow-up without one is not sent
}

// DefaultReminders go out 24 hours, 1 hour and 10 minutes before the start.
func DefaultReminders() []Reminder {
	offsets := []Offset{Offset(-24 * time.Hour), Offset(-time.Hour), Offset(-10 * time.Minute)}
	rs := make([]Reminder, len(offsets))
	for i, o := range offsets {
		rs[i] = Reminder{Kind: ReminderKind(o), Offset: o}
	}
	return rs
}

// Limits of what an organiser may send in, in characters or pieces. They keep an event's item far
// below DynamoDB's 400 KB, and a mail readable.
const (
	MaxTitle          = 120
	MaxDescription    = 5000
	MaxQuestions      = 20
	MaxOptions        = 30
	MaxReminders      = 10
	MaxCapacity       = 100_000
	MaxRetention      = 365 // days
	MaxReminderOffset = 60 * 24 * time.Hour
)

// JoinLeadTime is how long before the start the join page opens.
const JoinLeadTime = 15 * time.Minute

// JoinOpensAt is when the join page opens.
func (e Event) JoinOpensAt() time.Time { return e.StartsAt.Add(-JoinLeadTime) }

// RetentionEndsAt is when everything personal about the event is erased.
func (e Event) RetentionEndsAt() time.Time { return e.EndsAt.AddDate(0, 0, e.RetentionDays) }

// PromotionOpenAt says whether somebody in line may get a seat at now.
func (e Event) PromotionOpenAt(now time.Time) bool {
	last := e.EndsAt
	if e.PromotionCutoff != 0 {
		last = e.StartsAt.Add(time.Duration(e.PromotionCutoff))
	}
	return e.Status != EventCancelled && now.Before(last)
}

// Zone is the event's time zone; UTC when the stored name is unknown to this build.
func (e Event) Zone() *time.Location {
	if z, err := LoadLocation(e.TimeZone); err == nil {
		return z
	}
	return time.UTC
}

// SignUpState is what the event page says instead of, or above, the form.
type SignUpState string

const (
	SignUpOpen      SignUpState = "open"
	SignUpNotYet    SignUpState = "not-yet"
	SignUpClosed    SignUpState = "closed"
	SignUpOver      SignUpState = "over"
	SignUpCancelled SignUpState = "cancelled"
	SignUpDraft     SignUpState = "draft"
)

// SignUpStateAt says whether one can sign up at now, and else why not.
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

// Question finds one by its id.
func (e Event) Question(id string) (Question, bool) {
	i := slices.IndexFunc(e.Questions, func(q Question) bool { return q.ID == id })
	if i < 0 {
		return Question{}, false
	}
	return e.Questions[i], true
}

var wellFormed = sync.OnceValues(func() (slug, question *regexp.Regexp) {
	return regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$`), regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
})

// Validate returns Faults for everything in e that an organiser has to mend.
func (e Event) Validate() error {
	slug, _ := wellFormed()
	var fs validator
	fs.require(slug.MatchString(e.Slug), "slug", "slug-form", 60)
	fs.checkLine("title", e.Title, 1, MaxTitle)
	fs.checkText("description", e.Description, MaxDescription)
	fs.require(e.Language.IsSupported(), "language", "unknown-language", 0)
	fs.require(!e.StartsAt.IsZero(), "startsAt", "missing", 0)
	fs.require(e.StartsAt.IsZero() || e.StartsAt.Year() >= 2000, "startsAt", "too-early", 0)
	fs.require(e.StartsAt.IsZero() || e.EndsAt.After(e.StartsAt), "endsAt", "not-after-start", 0)
	fs.require(e.EndsAt.Year() < 2200, "endsAt", "too-late", 0)
	_, err := LoadLocation(e.TimeZone)
	fs.require(err == nil, "timeZone", "unknown-zone", 0)
	fs.require(e.Capacity == nil || *e.Capacity >= 1 && *e.Capacity <= MaxCapacity, "capacity", "out-of-range", MaxCapacity)
	fs.require(e.PromotionCutoff <= 0 && time.Duration(e.PromotionCutoff) >= -MaxReminderOffset, "promoteUntil", "offset-range", 0)
	fs.require(e.JoinURL == "" || isHTTPS(e.JoinURL), "joinUrl", "not-https", 0)
	fs.checkLine("organiser.name", e.Organiser.Name, 1, MaxName)
	fs.require(e.Organiser.Email != "", "organiser.email", "missing", 0)
	fs.require(e.RetentionDays >= 1 && e.RetentionDays <= MaxRetention, "retentionDays", "out-of-range", MaxRetention)
	fs.require(e.SignUpClosesAt.IsZero() || e.SignUpClosesAt.After(e.SignUpOpensAt), "signUpClosesAt", "not-after-open", 0)
	fs.require(slices.Contains([]EventStatus{EventDraft, EventOpen, EventClosed, EventCancelled}, e.Status), "status", "unknown-status", 0)
	fs = append(fs, e.questionErrors()...)
	fs = append(fs, e.reminderErrors()...)
	return ValidationErrors(fs).Err()
}

func (e Event) questionErrors() (fs validator) {
	_, id := wellFormed()
	fs.require(len(e.Questions) <= MaxQuestions, "questions", "too-many", MaxQuestions)
	seen := map[string]bool{}
	for _, q := range e.Questions {
		field := "questions." + q.ID
		fs.require(id.MatchString(q.ID), "questions", "question-id", 40)
		fs.require(!seen[q.ID], field, "twice", 0)
		seen[q.ID] = true
		fs.checkLine(field, q.Label, 1, 500)
		fs.require(len(q.Options) <= MaxOptions, field, "too-many", MaxOptions)
		for _, o := range q.Options {
			fs.checkLine(field, o, 1, MaxName)
		}
		switch q.Kind {
		case QuestionChoice, QuestionMultipleChoice:
			fs.require(len(q.Options) > 0, field, "no-options", 0)
		case QuestionShortText, QuestionLongText, QuestionCheckbox:
			fs.require(len(q.Options) == 0, field, "has-options", 0)
		default:
			fs.require(false, field, "unknown-kind", 0)
		}
	}
	return fs
}

func (e Event) reminderErrors() (fs validator) {
	fs.require(len(e.Reminders) <= MaxReminders, "reminders", "too-many", MaxReminders)
	seen := map[MailKind]bool{}
	for _, r := range e.Reminders {
		field := "reminders." + string(r.Kind)
		fs.require(!seen[r.Kind], field, "twice", 0)
		seen[r.Kind] = true
		fs.checkText(field, r.Text, MaxDescription)
		gap := time.Duration(r.Offset)
		if r.Kind == KindFollowUpAttended || r.Kind == KindFollowUpMissed {
			fs.require(gap >= 0 && gap <= MaxReminderOffset, field, "offset-range", 0)
			continue
		}
		fs.require(r.Kind == ReminderKind(r.Offset), field, "kind-offset", 0)
		fs.require(gap <= 0 && gap >= -MaxReminderOffset, field, "offset-range", 0)
	}
	return fs
}

func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(s) <= 2000 && !hasControlChars(s, false)
}

// validator gathers Faults while checking.
type validator ValidationErrors

func (fs *validator) require(ok bool, field, code string, limit int) {
	if !ok {
		*fs = append(*fs, FieldError{Field: field, Code: code, Limit: limit})
	}
}

// checkLine checks a value of one line: its length in characters, and no control characters, which
// would reach headers and calendar files.
func (fs *validator) checkLine(field, s string, atLeast, atMost int) {
	switch {
	case !utf8.ValidString(s) || hasControlChars(s, false):
		fs.require(false, field, "bad-characters", 0)
	case utf8.RuneCountInString(strings.TrimSpace(s)) < atLeast:
		fs.require(false, field, "missing", 0)
	case utf8.RuneCountInString(s) > atMost:
		fs.require(false, field, "too-long", atMost)
	}
}

// checkText checks a value that may have line breaks.
func (fs *validator) checkText(field, s string, atMost int) {
	switch {
	case !utf8.ValidString(s) || hasControlChars(s, true):
		fs.require(false, field, "bad-characters", 0)
	case utf8.RuneCountInString(s) > atMost:
		fs.require(false, field, "too-long", atMost)
	}
}

// hasControlChars looks for characters that have no business in text that people typed: C0 and C1
// controls, line and paragraph separators, and the bidirectional overrides that disguise names.
func hasControlChars(s string, breaks bool) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case breaks && (r == '\n' || r == '\r' || r == '\t'):
			return false
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029:
			return true
		}
		return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	})
}
