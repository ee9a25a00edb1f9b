package console

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// The form of an event has the fields of the API, as text: times as datetime-local writes them, in the event's zone, and
// questions in numbered rows.

// localTime is the layout of datetime-local.
const localTime = "2006-01-02T15:04"

// newQuestions is how many empty rows the form has for further questions.
const newQuestions = 3

// eventValues are the form's values of an event.
func eventValues(e deltag.Event) url.Values {
	yes := map[bool]string{true: deltag.CheckedValue}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(e.Zone()).Format(localTime)
	}
	v := url.Values{}
	for name, value := range map[string]string{
		"title": e.Title, "slug": e.Slug, "description": e.Description, "language": string(e.Language),
		"startsAt": at(e.StartsAt), "endsAt": at(e.EndsAt), "timeZone": e.TimeZone,
		"signUpOpensAt": at(e.SignUpOpensAt), "signUpClosesAt": at(e.SignUpClosesAt),
		"waitingList": yes[e.HasWaitlist], "verify": string(e.Verify), "joinUrl": e.JoinURL,
		"organiser.name": e.Organiser.Name, "organiser.email": e.Organiser.Email,
		"remindOrganiser": yes[e.Organiser.ReceivesReminders], "dailyNote": yes[e.Organiser.ReceivesDigest], "retentionDays": strconv.Itoa(e.RetentionDays),
		"status": string(e.Status), "revision": strconv.Itoa(e.Revision),
	} {
		v.Set(name, value)
	}
	if e.Capacity != nil {
		v.Set("capacity", strconv.Itoa(*e.Capacity))
	}
	for _, r := range e.ScheduledMails {
		if r.Kind.IsReminder() {
			v.Add("reminders", r.Offset.String())
		}
	}
	for n, q := range e.Questions {
		row := questionRow(n)
		v.Set(row+"id", q.ID)
		v.Set(row+"label", q.Label)
		v.Set(row+"kind", string(q.Kind))
		v.Set(row+"options", strings.Join(q.Options, "\n"))
		v.Set(row+"required", yes[q.Required])
	}
	return v
}

func questionRow(n int) string { return "questions." + strconv.Itoa(n) + "." }

// eventChange is the change that a sent form makes. What the form does not have stays.
func eventChange(form url.Values) organiser.EventChange {
	return func(e deltag.Event) (deltag.Event, error) {
		f := eventForm{Values: form}
		if key := f.Get("key"); e.ID == "" && deltag.IsID(key) {
			e.ID = key // of a new event: sent again it is the same one
		}
		f.text("title", &e.Title)
		f.text("slug", &e.Slug)
		f.text("description", &e.Description)
		f.text("timeZone", &e.TimeZone)
		f.text("joinUrl", &e.JoinURL)
		f.text("organiser.name", &e.Organiser.Name)
		f.text("organiser.email", &e.Organiser.Email)
		f.text("language", (*string)(&e.Language))
		f.text("verify", (*string)(&e.Verify))
		f.text("status", (*string)(&e.Status))
		f.number("retentionDays", &e.RetentionDays)
		e.HasWaitlist, e.Organiser.ReceivesReminders = f.ticked("waitingList"), f.ticked("remindOrganiser")
		e.Organiser.ReceivesDigest = f.ticked("dailyNote")
		f.capacity(&e)
		for name, at := range map[string]*time.Time{
			"startsAt": &e.StartsAt, "endsAt": &e.EndsAt, "signUpOpensAt": &e.SignUpOpensAt,
			"signUpClosesAt": &e.SignUpClosesAt,
		} {
			f.time(name, at, e.Zone())
		}
		f.reminders(&e)
		f.questions(&e)
		return e, f.invalid.Err()
	}
}

// An eventForm reads a sent form.
type eventForm struct {
	url.Values
	invalid deltag.ValidationErrors
}

func (f *eventForm) fault(field, code string, limit int) {
	f.invalid = append(f.invalid, deltag.FieldError{Field: field, Code: code, Limit: limit})
}

func (f *eventForm) ticked(name string) bool { return f.Get(name) == deltag.CheckedValue }

// text reads a text, with line ends as they are stored.
func (f *eventForm) text(name string, into *string) {
	if f.Has(name) {
		*into = strings.TrimSpace(strings.ReplaceAll(f.Get(name), "\r\n", "\n"))
	}
}

func (f *eventForm) number(name string, into *int) {
	if !f.Has(name) {
		return
	}
	n, err := strconv.Atoi(strings.TrimSpace(f.Get(name)))
	if err != nil {
		f.fault(name, "bad-number", 0)
		return
	}
	*into = n
}

func (f *eventForm) capacity(e *deltag.Event) {
	switch {
	case !f.Has("capacity"):
	case strings.TrimSpace(f.Get("capacity")) == "":
		e.Capacity = nil
	default:
		n := 0
		f.number("capacity", &n)
		if e.Capacity = &n; f.invalid.ForField("capacity") != nil {
			e.Capacity = nil
		}
	}
}

// time reads a time of the event's zone.
func (f *eventForm) time(name string, into *time.Time, zone *time.Location) {
	if !f.Has(name) {
		return
	}
	text := strings.TrimSpace(f.Get(name))
	if text == "" {
		*into = time.Time{}
		return
	}
	if !into.IsZero() && into.In(zone).Format(localTime) == text {
		return // as it was shown, without its seconds, or which of a repeated hour it is
	}
	at, ok := parseLocalTime(text, zone)
	switch {
	case !ok:
		f.fault(name, "bad-time", 0)
	case !strings.HasPrefix(text, at.Format(localTime)): // the clocks go forward
		f.fault(name, "no-such-time", 0)
	default:
		*into = at.UTC()
	}
}

// parseLocalTime reads what datetime-local sends, which may have seconds.
func parseLocalTime(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{localTime, localTime + ":05"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// reminders are those that were ticked. It keeps the organiser's own texts, and follow-ups, which are edited elsewhere.
func (f *eventForm) reminders(e *deltag.Event) {
	var mails []deltag.ScheduledMail
	for _, text := range f.Values["reminders"] {
		offset, err := deltag.ParseOffset(text)
		if err != nil {
			f.fault("reminders", "bad-offset", 0)
			return
		}
		kind := deltag.ReminderKind(offset)
		mails = append(mails, deltag.ScheduledMail{Kind: kind, Offset: offset, Text: e.MailText(kind)})
	}
	for _, r := range e.ScheduledMails {
		if r.Kind.IsFollowUp() {
			mails = append(mails, r)
		}
	}
	e.ScheduledMails = mails
}

func (f *eventForm) questions(e *deltag.Event) {
	if !f.Has(questionRow(0) + "label") {
		return
	}
	e.Questions = nil
	for _, row := range readQuestions(f.Values) {
		e.Questions = append(e.Questions, row.Question)
	}
}

// A numberedQuestion is the question of a row.
type numberedQuestion struct {
	deltag.Question
	row int
}

// readQuestions reads the rows that have a label, and gives new questions their ids.
func readQuestions(v url.Values) (all []numberedQuestion) {
	taken := map[string]bool{}
	for n := range deltag.MaxQuestions + newQuestions {
		row := questionRow(n)
		label := strings.TrimSpace(v.Get(row + "label"))
		if label == "" {
			continue
		}
		q := deltag.Question{
			ID: v.Get(row + "id"), Label: label, Required: v.Get(row+"required") == deltag.CheckedValue,
			Kind: deltag.QuestionKind(cmp.Or(v.Get(row+"kind"), string(deltag.QuestionShortText))),
		}
		if q.ID == "" || taken[q.ID] {
			q.ID = newQuestionID(label, taken)
		}
		taken[q.ID] = true
		if q.Kind == deltag.QuestionChoice || q.Kind == deltag.QuestionMultipleChoice {
			for line := range strings.SplitSeq(v.Get(row+"options"), "\n") {
				if line = strings.TrimSpace(line); line != "" {
					q.Options = append(q.Options, line)
				}
			}
		}
		all = append(all, numberedQuestion{q, n})
	}
	return all
}

// newQuestionID makes an id of a question's label that no other question has.
func newQuestionID(label string, taken map[string]bool) string {
	base := organiser.Slug(label)
	base = cmp.Or(strings.Trim(base[:min(len(base), 30)], "-"), "question")
	id := base
	for n := 2; taken[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	return id
}
