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
	Danish  Language = "da"
	English Language = "en"
)

// Languages are all of them, the default first.
var Languages = []Language{Danish, English}

// Known says whether Deltag speaks it.
func (l Language) Known() bool { return slices.Contains(Languages, l) }

// An EventStatus is what the organiser has decided; time decides the rest (see SignUpAt).
type EventStatus string

const (
	Draft     EventStatus = "draft"
	Open      EventStatus = "open"
	Closed    EventStatus = "closed"
	Cancelled EventStatus = "cancelled"
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
	WaitingList bool
	JoinURL     string // where the meeting is; only shown to attendees, when it opens
	Organiser   Organiser
	// PromoteUntil is the distance from the start after which nobody in line gets a seat any more; zero: until the end.
	PromoteUntil Offset

	SignUpOpensAt  time.Time // zero: at once
	SignUpClosesAt time.Time // zero: when the event ends
	RetentionDays  int       // personal data is erased so many days after the end
	Questions      []Question
	Reminders      []Reminder
	Status         EventStatus

	// Secret keys the registration ids. It never leaves the store's item.
	Secret []byte
	// Seated is true once the event has had a limit: its seats are counted on one item from then on.
	Seated bool
	// Revision rises with each write of the event; a write names the one it has read.
	Revision int
	// Schedule is the version of the schedule. It rises when the times move; mail of an older one is skipped.
	Schedule int
	// Sequence is the invitation's SEQUENCE; it rises with each change that calendars must show, at ChangedAt.
	Sequence  int
	ChangedAt time.Time
	// Notice is the mail about the last such change, while it waits for further edits.
	Notice    Notice
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Organiser is who invites.
type Organiser struct {
	Name  string
	Email string // in ASCII; replies to every mail go there
	// Reminded: gets the reminders too.
	Reminded bool
}

// A QuestionKind is how a question is answered.
type QuestionKind string

const (
	ShortText      QuestionKind = "short"
	LongText       QuestionKind = "long"
	Choice         QuestionKind = "choice"
	MultipleChoice QuestionKind = "multiple"
	TickBox        QuestionKind = "tick"
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
	Kind   Kind
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
	MaxTitle       = 120
	MaxDescription = 5000
	MaxQuestions   = 20
	MaxOptions     = 30
	MaxReminders   = 10
	MaxCapacity    = 100_000
	MaxRetention   = 365 // days
	MaxReminderGap = 60 * 24 * time.Hour
)

// JoinOpens is how long before the start the join page opens.
const JoinOpens = 15 * time.Minute

// JoinsFrom is when the join page opens.
func (e Event) JoinsFrom() time.Time { return e.StartsAt.Add(-JoinOpens) }

// ErasedAt is when everything personal about the event is erased.
func (e Event) ErasedAt() time.Time { return e.EndsAt.AddDate(0, 0, e.RetentionDays) }

// PromotesAt says whether somebody in line may get a seat at now.
func (e Event) PromotesAt(now time.Time) bool {
	last := e.EndsAt
	if e.PromoteUntil != 0 {
		last = e.StartsAt.Add(time.Duration(e.PromoteUntil))
	}
	return e.Status != Cancelled && now.Before(last)
}

// Zone is the event's time zone; UTC when the stored name is unknown to this build.
func (e Event) Zone() *time.Location {
	if z, err := Zone(e.TimeZone); err == nil {
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

// SignUpAt says whether one can sign up at now, and else why not.
func (e Event) SignUpAt(now time.Time) SignUpState {
	switch {
	case e.Status == Draft:
		return SignUpDraft
	case e.Status == Cancelled:
		return SignUpCancelled
	case !now.Before(e.EndsAt):
		return SignUpOver
	case e.Status == Closed:
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
	var fs faults
	fs.check(slug.MatchString(e.Slug), "slug", "slug-form", 60)
	fs.line("title", e.Title, 1, MaxTitle)
	fs.text("description", e.Description, MaxDescription)
	fs.check(e.Language.Known(), "language", "unknown-language", 0)
	fs.check(!e.StartsAt.IsZero(), "startsAt", "missing", 0)
	fs.check(e.StartsAt.IsZero() || e.StartsAt.Year() >= 2000, "startsAt", "too-early", 0)
	fs.check(e.StartsAt.IsZero() || e.EndsAt.After(e.StartsAt), "endsAt", "not-after-start", 0)
	fs.check(e.EndsAt.Year() < 2200, "endsAt", "too-late", 0)
	_, err := Zone(e.TimeZone)
	fs.check(err == nil, "timeZone", "unknown-zone", 0)
	fs.check(e.Capacity == nil || *e.Capacity >= 1 && *e.Capacity <= MaxCapacity, "capacity", "out-of-range", MaxCapacity)
	fs.check(e.PromoteUntil <= 0 && time.Duration(e.PromoteUntil) >= -MaxReminderGap, "promoteUntil", "offset-range", 0)
	fs.check(e.JoinURL == "" || isHTTPS(e.JoinURL), "joinUrl", "not-https", 0)
	fs.line("organiser.name", e.Organiser.Name, 1, MaxName)
	fs.check(e.Organiser.Email != "", "organiser.email", "missing", 0)
	fs.check(e.RetentionDays >= 1 && e.RetentionDays <= MaxRetention, "retentionDays", "out-of-range", MaxRetention)
	fs.check(e.SignUpClosesAt.IsZero() || e.SignUpClosesAt.After(e.SignUpOpensAt), "signUpClosesAt", "not-after-open", 0)
	fs.check(slices.Contains([]EventStatus{Draft, Open, Closed, Cancelled}, e.Status), "status", "unknown-status", 0)
	fs = append(fs, e.questionFaults()...)
	fs = append(fs, e.reminderFaults()...)
	return Faults(fs).Err()
}

func (e Event) questionFaults() (fs faults) {
	_, id := wellFormed()
	fs.check(len(e.Questions) <= MaxQuestions, "questions", "too-many", MaxQuestions)
	seen := map[string]bool{}
	for _, q := range e.Questions {
		field := "questions." + q.ID
		fs.check(id.MatchString(q.ID), "questions", "question-id", 40)
		fs.check(!seen[q.ID], field, "twice", 0)
		seen[q.ID] = true
		fs.line(field, q.Label, 1, 500)
		fs.check(len(q.Options) <= MaxOptions, field, "too-many", MaxOptions)
		for _, o := range q.Options {
			fs.line(field, o, 1, MaxName)
		}
		switch q.Kind {
		case Choice, MultipleChoice:
			fs.check(len(q.Options) > 0, field, "no-options", 0)
		case ShortText, LongText, TickBox:
			fs.check(len(q.Options) == 0, field, "has-options", 0)
		default:
			fs.check(false, field, "unknown-kind", 0)
		}
	}
	return fs
}

func (e Event) reminderFaults() (fs faults) {
	fs.check(len(e.Reminders) <= MaxReminders, "reminders", "too-many", MaxReminders)
	seen := map[Kind]bool{}
	for _, r := range e.Reminders {
		field := "reminders." + string(r.Kind)
		fs.check(!seen[r.Kind], field, "twice", 0)
		seen[r.Kind] = true
		fs.text(field, r.Text, MaxDescription)
		gap := time.Duration(r.Offset)
		if r.Kind == FollowUpAttended || r.Kind == FollowUpMissed {
			fs.check(gap >= 0 && gap <= MaxReminderGap, field, "offset-range", 0)
			continue
		}
		fs.check(r.Kind == ReminderKind(r.Offset), field, "kind-offset", 0)
		fs.check(gap <= 0 && gap >= -MaxReminderGap, field, "offset-range", 0)
	}
	return fs
}

func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(s) <= 2000 && !hasControl(s, false)
}

// faults gathers Faults while checking.
type faults Faults

func (fs *faults) check(ok bool, field, code string, limit int) {
	if !ok {
		*fs = append(*fs, Fault{Field: field, Code: code, Limit: limit})
	}
}

// line checks a value of one line: its length in characters, and no control characters, which
// would reach headers and calendar files.
func (fs *faults) line(field, s string, atLeast, atMost int) {
	switch {
	case !utf8.ValidString(s) || hasControl(s, false):
		fs.check(false, field, "bad-characters", 0)
	case utf8.RuneCountInString(strings.TrimSpace(s)) < atLeast:
		fs.check(false, field, "missing", 0)
	case utf8.RuneCountInString(s) > atMost:
		fs.check(false, field, "too-long", atMost)
	}
}

// text checks a value that may have line breaks.
func (fs *faults) text(field, s string, atMost int) {
	switch {
	case !utf8.ValidString(s) || hasControl(s, true):
		fs.check(false, field, "bad-characters", 0)
	case utf8.RuneCountInString(s) > atMost:
		fs.check(false, field, "too-long", atMost)
	}
}

// hasControl looks for characters that have no business in text that people typed: C0 and C1
// controls, line and paragraph separators, and the bidirectional overrides that disguise names.
func hasControl(s string, breaks bool) bool {
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
