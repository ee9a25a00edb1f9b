package deltag

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSignUpStateAt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Event)
		at     time.Time
		want   SignUpState
	}{
		"Open":                {func(*Event) {}, now, SignUpOpen},
		"OpenWhileItRuns":     {func(*Event) {}, end.Add(-1), SignUpOpen},
		"OverAtItsEnd":        {func(*Event) {}, end, SignUpOver},
		"OverWhenClosed":      {func(e *Event) { e.Status = EventClosed }, end, SignUpOver},
		"Draft":               {func(e *Event) { e.Status = EventDraft }, now, SignUpDraft},
		"Cancelled":           {func(e *Event) { e.Status = EventCancelled }, start.Add(2 * time.Hour), SignUpCancelled},
		"ClosedByOrganiser":   {func(e *Event) { e.Status = EventClosed }, now, SignUpClosed},
		"NotYet":              {func(e *Event) { e.SignUpOpensAt = now.Add(1) }, now, SignUpNotYet},
		"OpenAtTheOpening":    {func(e *Event) { e.SignUpOpensAt = now }, now, SignUpOpen},
		"ClosedAtTheClosing":  {func(e *Event) { e.SignUpClosesAt = now }, now, SignUpClosed},
		"OpenUntilTheClosing": {func(e *Event) { e.SignUpClosesAt = now.Add(1) }, now, SignUpOpen},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEvent()
			c.change(&e)
			assertEqual(t, e.SignUpStateAt(c.at), c.want)
		})
	}
}

func TestPromotionOpenAt(t *testing.T) {
	for name, c := range map[string]struct {
		cutoff Offset
		status EventStatus
		at     time.Time
		want   bool
	}{
		"UntilTheEnd":        {0, EventOpen, end.Add(-1), true},
		"NotAtTheEnd":        {0, EventOpen, end, false},
		"UntilTheCutoff":     {Offset(-time.Hour), EventOpen, start.Add(-time.Hour - 1), true},
		"NotAtTheCutoff":     {Offset(-time.Hour), EventOpen, start.Add(-time.Hour), false},
		"AlsoOfAClosedEvent": {0, EventClosed, now, true},
		"NotOfACancelled":    {0, EventCancelled, now, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEvent()
			e.PromotionCutoff, e.Status = c.cutoff, c.status
			assertEqual(t, e.PromotionOpenAt(c.at, c.at.AddDate(0, 0, -30)), c.want)
			// Whoever has come after the cutoff waits for no other reason than that.
			assertEqual(t, e.PromotionOpenAt(c.at, c.at), e.Status != EventCancelled && c.at.Before(e.EndsAt))
		})
	}
}

func TestEventTimes(t *testing.T) {
	e := testEvent()
	assertEqual(t, e.JoinOpensAt(), start.Add(-15*time.Minute))
	assertEqual(t, e.RetentionEndsAt(), end.AddDate(0, 0, 30))
	assertEqual(t, e.Zone().String(), "Europe/Copenhagen")
	for _, unknown := range []string{"", "Local", "Mars/Olympus"} {
		e.TimeZone = unknown
		assertEqual(t, e.Zone().String(), "UTC")
	}
}

func TestQuestionByID(t *testing.T) {
	e := testEvent()
	e.Questions = []Question{{ID: "a"}, {ID: "b", Label: "?"}}
	got, ok := e.Question("b")
	assertEqual(t, []any{got, ok}, []any{e.Questions[1], true})
	got, ok = e.Question("a")
	assertEqual(t, []any{got, ok}, []any{e.Questions[0], true})
	_, ok = e.Question("c")
	assertEqual(t, ok, false)
}

// validationCodes are the field errors of err, each as "field: code" or "field: code limit".
func validationCodes(err error) []string {
	var codes []string
	es, _ := err.(ValidationErrors)
	for _, e := range es {
		s := e.Field + ": " + e.Code
		if e.Limit != 0 {
			s += fmt.Sprint(" ", e.Limit)
		}
		codes = append(codes, s)
	}
	return codes
}

func withQuestions(qs ...Question) func(*Event) { return func(e *Event) { e.Questions = qs } }

func withReminders(rs ...ScheduledMail) func(*Event) { return func(e *Event) { e.ScheduledMails = rs } }

func followUp(after time.Duration, text string) ScheduledMail {
	return ScheduledMail{Kind: KindFollowUpMissed, Offset: Offset(after), Text: text}
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func questionOf(kind QuestionKind, options ...string) Question {
	return Question{ID: "a", Kind: kind, Label: "?", Options: options}
}

func TestEventValidateRefuses(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Event)
	}{
		{"slug: slug-form 60", func(e *Event) { e.Slug = strings.Repeat("a", 61) }},
		{"title: missing", func(e *Event) { e.Title = " " }},
		{"title: too-long 120", func(e *Event) { e.Title = strings.Repeat("å", 121) }},
		{"title: bad-characters", func(e *Event) { e.Title = "a\nb" }},
		{"description: bad-characters", func(e *Event) { e.Description = "a\x00b" }},
		{"confirmationText: bad-characters", func(e *Event) { e.ConfirmationText = "a\x00b" }},
		{"confirmationText: too-long 5000", func(e *Event) { e.ConfirmationText = strings.Repeat("å", 5001) }},
		{"description: too-long 5000", func(e *Event) { e.Description = strings.Repeat("å", 5001) }},
		{"language: unknown-language", func(e *Event) { e.Language = "xx" }},
		{"startsAt: missing", func(e *Event) { e.StartsAt = time.Time{} }},
		{"startsAt: missing", func(e *Event) { e.StartsAt, e.EndsAt = time.Time{}, time.Time{} }},
		{"startsAt: too-early", func(e *Event) { e.StartsAt, e.EndsAt = date(1999, 12, 31), date(2000, 1, 1) }},
		{"endsAt: not-after-start", func(e *Event) { e.EndsAt = e.StartsAt }},
		{"endsAt: event-too-long 31", func(e *Event) { e.EndsAt = e.StartsAt.AddDate(0, 0, 31).Add(1) }},
		{"endsAt: too-late", func(e *Event) { e.StartsAt, e.EndsAt = date(2199, 12, 31), date(2200, 1, 1) }},
		{"timeZone: unknown-zone", func(e *Event) { e.TimeZone = "Local" }},
		{"capacity: out-of-range 100000", func(e *Event) { e.Capacity = new(0) }},
		{"capacity: out-of-range 100000", func(e *Event) { e.Capacity = new(MaxCapacity + 1) }},
		{"promoteUntil: offset-range", func(e *Event) { e.PromotionCutoff = 1 }},
		{"promoteUntil: offset-range", func(e *Event) { e.PromotionCutoff = Offset(-MaxReminderOffset - 1) }},
		{"joinUrl: not-https", func(e *Event) { e.JoinURL = "http://meet.example.org" }},
		{"organiser.name: missing", func(e *Event) { e.Organiser.Name = "" }},
		{"organiser.name: too-long 200", func(e *Event) { e.Organiser.Name = strings.Repeat("a", 201) }},
		{"organiser.name: bad-characters", func(e *Event) { e.Organiser.Name = "a\r\nBcc: b" }},
		{"organiser.email: missing", func(e *Event) { e.Organiser.Email = "" }},
		{"retentionDays: out-of-range 365", func(e *Event) { e.RetentionDays = 0 }},
		{"retentionDays: out-of-range 365", func(e *Event) { e.RetentionDays = MaxRetention + 1 }},
		{"signUpOpensAt: too-early", func(e *Event) { e.SignUpOpensAt = date(1999, 12, 31) }},
		{"signUpOpensAt: too-late", func(e *Event) { e.SignUpOpensAt = date(2200, 1, 1) }},
		{"signUpClosesAt: too-early", func(e *Event) { e.SignUpClosesAt = date(1999, 12, 31) }},
		{"signUpClosesAt: too-late", func(e *Event) { e.SignUpClosesAt = date(10_000, 1, 1) }},
		{"signUpClosesAt: not-after-open", func(e *Event) { e.SignUpOpensAt, e.SignUpClosesAt = now, now }},
		{"status: unknown-status", func(e *Event) { e.Status = "x" }},
		{"questions: too-many 20", func(e *Event) { e.Questions = manyQuestions(21) }},
		{"questions: question-id 40", withQuestions(Question{ID: "A", Kind: QuestionShortText, Label: "a"})},
		{"questions.a: twice", withQuestions(questionOf("short"), questionOf("short"))},
		{"questions.a: missing", withQuestions(Question{ID: "a", Kind: QuestionShortText})},
		{"questions.a: too-many 30", withQuestions(questionOf("choice", manyOptions(31)...))},
		{"questions.a: no-options", withQuestions(questionOf(QuestionMultipleChoice))},
		{"questions.a: has-options", withQuestions(questionOf(QuestionCheckbox, "a"))},
		{"questions.a: unknown-kind", withQuestions(questionOf("x"))},
		{"questions.a: too-long 200", withQuestions(questionOf("choice", strings.Repeat("a", 201)))},
		{"reminders: too-many 10", func(e *Event) { e.ScheduledMails = manyReminders(11) }},
		{"reminders.message: kind-offset", withReminders(ScheduledMail{Kind: KindMessage})},
		{"reminders.reminder-PT1H: twice", withReminders(reminderAt(-time.Hour), reminderAt(-time.Hour))},
		{"reminders.followup-missed: twice", withReminders(followUp(0, ""), followUp(0, ""))},
		{"reminders.reminder-PT1M: offset-range", withReminders(reminderAt(time.Minute))},
		{"reminders.reminder-P60DT1M: offset-range", withReminders(reminderAt(-60*24*time.Hour - time.Minute))},
		{"reminders.followup-missed: offset-range", withReminders(followUp(-1, ""))},
		{"reminders.followup-missed: offset-range", withReminders(followUp(MaxReminderOffset+1, ""))},
		{"reminders.followup-missed: bad-characters", withReminders(followUp(0, "\x07"))},
		{"questions.a: too-long 500", withQuestions(Question{ID: "a", Kind: "short", Label: strings.Repeat("a", 501)})},
	} {
		t.Run(c.want, func(t *testing.T) {
			e := testEvent()
			c.change(&e)
			assertEqual(t, validationCodes(e.Validate()), []string{c.want})
		})
	}
}

func manyQuestions(n int) []Question {
	var qs []Question
	for i := range n {
		qs = append(qs, Question{ID: fmt.Sprint(i), Kind: QuestionLongText, Label: "?"})
	}
	return qs
}

func manyOptions(n int) []string { return strings.Split(strings.Repeat("x", n), "") }

func manyReminders(n int) []ScheduledMail {
	var rs []ScheduledMail
	for i := range n {
		rs = append(rs, reminderAt(-time.Duration(i)*time.Minute))
	}
	return rs
}

// TestEventValidateAccepts has the values at the limits that TestEventValidateRefuses is just beyond.
func TestEventValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(*Event){
		"Plain":            func(*Event) {},
		"LongestSlug":      func(e *Event) { e.Slug = strings.Repeat("a", 60) },
		"LongestTexts":     func(e *Event) { e.Title, e.Description = strings.Repeat("å", 120), strings.Repeat("å", 5000) },
		"LineBreaks":       func(e *Event) { e.Description, e.ConfirmationText = "a\r\n\tb", "a\n\tb" },
		"LongestMailText":  func(e *Event) { e.ConfirmationText = strings.Repeat("å", 5000) },
		"EarliestStart":    func(e *Event) { e.StartsAt, e.EndsAt = date(2000, 1, 1), date(2000, 1, 2) },
		"LatestEnd":        func(e *Event) { e.StartsAt, e.EndsAt = date(2199, 12, 30), date(2199, 12, 31) },
		"LongestEvent":     func(e *Event) { e.EndsAt = e.StartsAt.AddDate(0, 0, MaxDays) },
		"SmallestCapacity": func(e *Event) { e.Capacity = new(1) },
		"LargestCapacity":  func(e *Event) { e.Capacity = new(MaxCapacity) },
		"EarliestCutoff":   func(e *Event) { e.PromotionCutoff = Offset(-MaxReminderOffset) },
		"ShortRetention":   func(e *Event) { e.RetentionDays = 1 },
		"LongRetention":    func(e *Event) { e.RetentionDays = MaxRetention },
		"ClosesOnly":       func(e *Event) { e.SignUpClosesAt = now },
		"LatestSignUp":     func(e *Event) { e.SignUpOpensAt, e.SignUpClosesAt = date(2000, 1, 1), date(2199, 12, 31) },
		"Draft":            func(e *Event) { e.Status = EventDraft },
		"Closed":           func(e *Event) { e.Status = EventClosed },
		"Cancelled":        func(e *Event) { e.Status = EventCancelled },
		"ShortestTexts":    func(e *Event) { e.Title, e.Organiser.Name = "å", "å" },
		"JoinURL":          func(e *Event) { e.JoinURL = "https://meet.example.org/1" },
		"ReminderAtStart":  withReminders(ScheduledMail{Kind: "reminder-PT0M"}),
		"LongestLabel":     withQuestions(Question{ID: "a", Kind: "short", Label: strings.Repeat("a", 500)}),
		"ManyQuestions":    func(e *Event) { e.Questions = manyQuestions(MaxQuestions) },
		"ManyOptions":      withQuestions(questionOf("multiple", manyOptions(MaxOptions)...)),
		"ManyReminders":    func(e *Event) { e.ScheduledMails = manyReminders(MaxReminders) },
		"EarliestReminder": withReminders(reminderAt(-MaxReminderOffset)),
		"LatestFollowUp":   withReminders(followUp(MaxReminderOffset, "")),
		"FollowUpAtTheEnd": withReminders(followUp(0, "Tak")),
	} {
		t.Run(name, func(t *testing.T) {
			e := testEvent()
			change(&e)
			assertEqual(t, validationCodes(e.Validate()), []string(nil))
		})
	}
}
