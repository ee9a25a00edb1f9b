package deltag

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	start = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC)
	now   = start.AddDate(0, 0, -8)
)

func demo() Event {
	return Event{
		ID: "aaaaaaaaaaaaaaaaaaaa", Slug: "samskabelse", Title: "Samskabelse", Language: LanguageDanish,
		StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Copenhagen", RetentionDays: 30,
		Organiser: Organiser{Name: "UKON", Email: "hej@example.dk"}, Status: EventOpen, Reminders: DefaultReminders(),
		Secret: make([]byte, secretSize),
	}
}

func want(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestParseOffset(t *testing.T) {
	for s, d := range map[string]time.Duration{
		"-P1D": -24 * time.Hour, "-PT1H": -time.Hour, "-PT10M": -10 * time.Minute, "PT1H30M": 90 * time.Minute,
		"P1DT2H": 26 * time.Hour, "PT0M": 0,
	} {
		got, err := ParseOffset(s)
		if err != nil || got != Offset(d) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
		want(t, got.String(), s)
	}
	for _, s := range []string{"", "-", "P", "PT", "-P", "P1", "P1H", "PT1D", "P1M", "P1Y", "P1W", "PT1S", "PT1.5H", "P-1D", "P+1D", "PT1M1H", "P99999D", "P1DT", "p1d", "P1D "} {
		if got, err := ParseOffset(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func FuzzParseOffset(f *testing.F) {
	f.Add("-P1DT2H3M")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOffset(s)
		if err != nil {
			return
		}
		again, err := ParseOffset(o.String())
		if err != nil || again != o {
			t.Errorf("%q: %v became %v, %v", s, o, again, err)
		}
	})
}

func TestLink(t *testing.T) {
	secret, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	link := Link{EventID: "aaaaaaaaaaaaaaaaaaaa", RegistrationID: "bbbbbbbbbbbbbbbbbbbb", Purpose: PurposeManage}
	token := link.Token(secret)
	opens := func(token string, p Purpose, secret []byte) bool {
		l, mac, err := ParseLink(token, p)
		return err == nil && l.Check(mac, secret) == nil
	}
	want(t, opens(token, PurposeManage, secret), true)
	t.Run("AnotherPurposeIsRefused", func(t *testing.T) { want(t, opens(token, PurposeJoin, secret), false) })
	t.Run("AnotherSecretIsRefused", func(t *testing.T) { want(t, opens(token, PurposeManage, make([]byte, 16)), false) })
	t.Run("NoSecretIsRefused", func(t *testing.T) { want(t, opens(token, PurposeManage, nil), false) })
	t.Run("AnotherRegistrationIsRefused", func(t *testing.T) {
		other := link
		other.RegistrationID = "cccccccccccccccccccc"
		_, mac, _ := ParseLink(token, PurposeManage)
		if other.Check(mac, secret) == nil {
			t.Error("opened")
		}
	})
	t.Run("EveryChangedCharacterIsRefused", func(t *testing.T) {
		for i := range token {
			for _, c := range []string{"A", "b", "-", "="} {
				if changed := token[:i] + c + token[i+1:]; changed != token && opens(changed, PurposeManage, secret) {
					t.Errorf("%d: %s", i, changed)
				}
			}
		}
	})
	t.Run("CutOrExtendedIsRefused", func(t *testing.T) {
		for _, s := range []string{"", token[1:], token[:len(token)-1], token + "A", token + token, strings.Repeat("A", 300)} {
			want(t, opens(s, PurposeManage, secret), false)
		}
	})
}

func FuzzParseLink(f *testing.F) {
	f.Add(Link{"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", PurposeJoin}.Token(make([]byte, 16)))
	f.Fuzz(func(t *testing.T, token string) {
		l, mac, err := ParseLink(token, PurposeJoin)
		if err == nil && l.Check(mac, make([]byte, 16)) == nil && l.Token(make([]byte, 16)) != token {
			t.Errorf("two tokens open the same link: %s", token)
		}
	})
}

func TestSignUpAt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Event)
		at     time.Time
		want   SignUpState
	}{
		"Open":            {func(*Event) {}, now, SignUpOpen},
		"OpenWhileItRuns": {func(*Event) {}, start.Add(59 * time.Minute), SignUpOpen},
		"OverAtItsEnd":    {func(*Event) {}, start.Add(time.Hour), SignUpOver},
		"Draft":           {func(e *Event) { e.Status = EventDraft }, now, SignUpDraft},
		"Cancelled":       {func(e *Event) { e.Status = EventCancelled }, start.Add(2 * time.Hour), SignUpCancelled},
		"ClosedByHand":    {func(e *Event) { e.Status = EventClosed }, now, SignUpClosed},
		"NotYet":          {func(e *Event) { e.SignUpOpensAt = now.Add(1) }, now, SignUpNotYet},
		"ClosedByTime":    {func(e *Event) { e.SignUpClosesAt = now }, now, SignUpClosed},
	} {
		t.Run(name, func(t *testing.T) {
			e := demo()
			c.change(&e)
			want(t, e.SignUpStateAt(c.at), c.want)
		})
	}
}

func TestEventValidate(t *testing.T) {
	if err := demo().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Event){
		"slug":              func(e *Event) { e.Slug = "Å" },
		"title":             func(e *Event) { e.Title = " " },
		"description":       func(e *Event) { e.Description = "a\x00b" },
		"language":          func(e *Event) { e.Language = "xx" },
		"startsAt":          func(e *Event) { e.StartsAt = time.Time{} },
		"endsAt":            func(e *Event) { e.EndsAt = e.StartsAt },
		"timeZone":          func(e *Event) { e.TimeZone = "Local" },
		"capacity":          func(e *Event) { e.Capacity = new(0) },
		"joinUrl":           func(e *Event) { e.JoinURL = "http://meet.example.org" },
		"organiser.name":    func(e *Event) { e.Organiser.Name = "a\r\nBcc: b" },
		"organiser.email":   func(e *Event) { e.Organiser.Email = "" },
		"retentionDays":     func(e *Event) { e.RetentionDays = 0 },
		"signUpClosesAt":    func(e *Event) { e.SignUpOpensAt, e.SignUpClosesAt = now, now },
		"status":            func(e *Event) { e.Status = "x" },
		"questions":         func(e *Event) { e.Questions = []Question{{ID: "A", Kind: QuestionShortText, Label: "a"}} },
		"questions.a":       func(e *Event) { e.Questions = []Question{{ID: "a", Kind: QuestionChoice, Label: "a"}} },
		"reminders.x":       func(e *Event) { e.Reminders = []Reminder{{Kind: "x", Offset: 1}} },
		"reminders.message": func(e *Event) { e.Reminders = []Reminder{{Kind: KindMessage}} },
	} {
		t.Run(field, func(t *testing.T) {
			e := demo()
			change(&e)
			err := e.Validate()
			fs, _ := err.(ValidationErrors)
			if fs.ForField(field) == nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSignUpValidate(t *testing.T) {
	e := demo()
	e.Questions = []Question{
		{ID: "c", Kind: QuestionChoice, Label: "?", Options: []string{"a", "b"}, Required: true},
		{ID: "m", Kind: QuestionMultipleChoice, Label: "?", Options: []string{"a", "b"}},
		{ID: "t", Kind: QuestionCheckbox, Label: "?"},
		{ID: "l", Kind: QuestionLongText, Label: "?"},
	}
	good := SignUpRequest{Name: "Mette", Answers: map[string][]string{"c": {"a"}, "m": {"a", "b"}, "t": {"yes"}, "l": {"a\nb"}}}
	if err := good.Validate(e); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*SignUpRequest){
		"name":         func(s *SignUpRequest) { s.Name = "" },
		"organisation": func(s *SignUpRequest) { s.Organisation = strings.Repeat("å", MaxName+1) },
		"role":         func(s *SignUpRequest) { s.Role = "a\u202eb" },
		"answers.c":    func(s *SignUpRequest) { s.Answers = nil },
		"answers.m":    func(s *SignUpRequest) { s.Answers["m"] = []string{"z"} },
		"answers.t":    func(s *SignUpRequest) { s.Answers["t"] = []string{"on"} },
		"answers.l":    func(s *SignUpRequest) { s.Answers["l"] = []string{"a", "b"} },
		"answers.zz":   func(s *SignUpRequest) { s.Answers["zz"] = []string{"a"} },
	} {
		t.Run(field, func(t *testing.T) {
			s := good
			s.Answers = map[string][]string{"c": {"a"}}
			change(&s)
			fs, _ := s.Validate(e).(ValidationErrors)
			if fs.ForField(field) == nil || len(fs) != 1 {
				t.Errorf("got %v", fs)
			}
		})
	}
	t.Run("EightyRunesOfAnyScriptAreAName", func(t *testing.T) {
		s := good
		s.Name = strings.Repeat("ø", MaxName)
		if err := s.Validate(e); err != nil {
			t.Error(err)
		}
	})
}

// planned are the kinds and times of an event's mailings.
func planned(ms []Mailing) map[MailKind]time.Time {
	due := map[MailKind]time.Time{}
	for _, m := range ms {
		due[m.Kind] = m.DueAt
	}
	return due
}

func TestMailings(t *testing.T) {
	t.Run("OffsetsAreExactAcrossBothClockChanges", func(t *testing.T) {
		zone, err := LoadLocation("Europe/Copenhagen")
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range []time.Time{
			time.Date(2027, 3, 28, 10, 0, 0, 0, zone), time.Date(2026, 10, 25, 10, 0, 0, 0, zone),
		} {
			e := demo()
			e.StartsAt, e.EndsAt = day.UTC(), day.UTC().Add(time.Hour)
			for k, due := range planned(e.PlannedMailings(day.AddDate(0, -1, 0))) {
				offset, _ := ParseOffset(strings.TrimPrefix(string(k), reminderPrefix))
				want(t, day.Sub(due), time.Duration(offset))
			}
		}
	})
	t.Run("NothingInThePast", func(t *testing.T) {
		want(t, planned(demo().PlannedMailings(start.Add(-time.Hour))), map[MailKind]time.Time{"reminder-PT10M": start.Add(-10 * time.Minute)})
	})
	t.Run("AFollowUpNeedsWords", func(t *testing.T) {
		e := demo()
		e.Reminders = []Reminder{{Kind: KindFollowUpAttended, Offset: Offset(time.Hour)}, {Kind: KindFollowUpMissed, Offset: Offset(time.Hour), Text: "Tak"}}
		want(t, planned(e.PlannedMailings(now)), map[MailKind]time.Time{KindFollowUpMissed: e.EndsAt.Add(time.Hour)})
	})
}

func TestEdit(t *testing.T) {
	created, _ := demo().WithInitialState(now)
	edit := func(t *testing.T, e Event, at time.Time, change func(*Event)) (Event, MailingChanges) {
		t.Helper()
		next := e
		change(&next)
		next, plan, err := e.Edit(next, at)
		if err != nil {
			t.Fatal(err)
		}
		return next, plan
	}
	later := func(e *Event) { e.StartsAt, e.EndsAt = start.AddDate(0, 0, 1), e.EndsAt.AddDate(0, 0, 1) }

	t.Run("AMoveRaisesScheduleAndSequenceAndTellsOnce", func(t *testing.T) {
		e, plan := edit(t, created, now, later)
		want(t, []int{e.ScheduleVersion, e.ICalSequence, e.Revision}, []int{2, 1, 2})
		want(t, planned(plan.Upserts)[KindMoved], now.Add(NoticeDebounce))
		want(t, len(plan.Upserts), 4)
	})
	t.Run("ATitleUpdatesTheCalendarsOnly", func(t *testing.T) {
		e, plan := edit(t, created, now, func(e *Event) { e.Title = "Nyt" })
		want(t, []int{e.ScheduleVersion, e.ICalSequence}, []int{1, 1})
		want(t, planned(plan.Upserts), map[MailKind]time.Time{KindChanged: now.Add(NoticeDebounce)})
	})
	t.Run("ATitleSoonAfterAMoveIsToldWithIt", func(t *testing.T) {
		e, _ := edit(t, created, now, later)
		_, plan := edit(t, e, now.Add(time.Minute), func(e *Event) { e.Title = "Nyt" })
		want(t, planned(plan.Upserts), map[MailKind]time.Time{KindMoved: now.Add(time.Minute + NoticeDebounce)})
	})
	t.Run("ATitleWhileAMoveIsBeingToldSaysThatItMoved", func(t *testing.T) {
		e, _ := edit(t, created, now, later)
		told := now.Add(NoticeDebounce + time.Minute)
		_, plan := edit(t, e, told, func(e *Event) { e.Title = "Nyt" })
		want(t, planned(plan.Upserts), map[MailKind]time.Time{KindMoved: told.Add(NoticeDebounce)})
		_, plan = edit(t, e, now.AddDate(0, 0, 1), func(e *Event) { e.Title = "Nyt" })
		want(t, planned(plan.Upserts), map[MailKind]time.Time{KindChanged: now.AddDate(0, 0, 1).Add(NoticeDebounce)})
	})
	t.Run("AJoinURLNeedsNoMail", func(t *testing.T) {
		e, plan := edit(t, created, now, func(e *Event) { e.JoinURL = "https://meet.example.org/2" })
		want(t, []int{e.ScheduleVersion, e.ICalSequence}, []int{1, 0})
		want(t, plan, MailingChanges{})
	})
	t.Run("RemindersAreEditedWithoutANewSchedule", func(t *testing.T) {
		two := Offset(-2 * time.Hour)
		e, plan := edit(t, created, now, func(e *Event) {
			e.Reminders = append([]Reminder{{Kind: ReminderKind(two), Offset: two}}, e.Reminders[1:]...)
		})
		want(t, e.ScheduleVersion, 1)
		want(t, planned(plan.Upserts), map[MailKind]time.Time{"reminder-PT2H": start.Add(-2 * time.Hour)})
		want(t, planned(plan.Deletes), map[MailKind]time.Time{"reminder-P1D": {}})
	})
	t.Run("AReminderEditedToATimeGoneByIsNotSent", func(t *testing.T) {
		_, plan := edit(t, created, start.Add(-2*time.Hour), func(e *Event) {
			three := Offset(-3 * time.Hour)
			e.Reminders = []Reminder{{Kind: ReminderKind(three), Offset: three}}
		})
		want(t, len(plan.Upserts), 0)
		want(t, len(plan.Deletes), 3)
	})
	t.Run("AMoveIntoThePastTellsNobody", func(t *testing.T) {
		_, plan := edit(t, created, start.Add(3*time.Hour), func(e *Event) { e.EndsAt = start.Add(2 * time.Hour) })
		want(t, plan, MailingChanges{})
	})
	t.Run("ACancelledEventIsFinal", func(t *testing.T) {
		e, plan, err := created.Cancel(now)
		if err != nil {
			t.Fatal(err)
		}
		want(t, planned(plan.Upserts), map[MailKind]time.Time{KindEventCancelled: now})
		if _, _, err := e.Edit(demo(), now); err == nil {
			t.Error("edited")
		}
		if _, _, err := e.Cancel(now); err == nil {
			t.Error("cancelled twice")
		}
	})
}

// TestDelivery walks a row through random moves and looks for what must never happen.
func TestDelivery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Registration{EventID: "aaaaaaaaaaaaaaaaaaaa", ID: "bbbbbbbbbbbbbbbbbbbb"}
		d := NewDelivery(r, KindConfirmation, 1, now)
		at := now
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second)
			before := d
			if d.Claimable(at) && d.UnconfirmedSends() < MaxUnconfirmedSends {
				d = d.Claim(at)
				switch rapid.SampledFrom([]string{"accept", "throttle", "lose", "die", "fail"}).Draw(t, "answer") {
				case "accept":
					d = d.MarkSent("id", at)
				case "throttle":
					d = d.ScheduleRetry(ReasonThrottled, at)
				case "lose":
					d = d.MarkUnknown(at)
				case "fail":
					d = d.Fail(ReasonRejected, at)
				}
			} else {
				typ := rapid.SampledFrom([]SESEventType{SESSend, SESDelivery, SESBounce, SESComplaint, SESDeliveryDelay}).Draw(t, "report")
				d, _ = d.ApplySESEvent(SESEvent{Type: typ, At: at, MessageID: "id"})
			}
			if d.IsActive() == d.NextAttemptAt.IsZero() {
				t.Fatalf("%s: an open row must come back, and a closed one never: %v", d.Status, d.NextAttemptAt)
			}
			if statusRank[d.Status] < statusRank[before.Status] {
				t.Fatalf("%s went back to %s", before.Status, d.Status)
			}
			if d.UnconfirmedSends() > MaxUnconfirmedSends {
				t.Fatalf("%d handovers", d.UnconfirmedSends())
			}
			if d.Revision < before.Revision || len(d.History) < len(before.History) {
				t.Fatal("revision or history went back")
			}
		}
	})
}

func TestPutOffDoublesUpToAQuarterOfAnHour(t *testing.T) {
	d := NewDelivery(Registration{}, KindConfirmation, 1, now)
	at := now
	var waits []time.Duration
	for range 12 {
		d = d.Claim(at).ScheduleRetry(ReasonThrottled, at)
		waits = append(waits, d.NextAttemptAt.Sub(at))
		at = d.NextAttemptAt
	}
	want(t, waits[:3], []time.Duration{time.Second, 2 * time.Second, 4 * time.Second})
	want(t, waits[11], 15*time.Minute)
	long := now.Add(MaxRetryAge)
	d = d.Claim(long).ScheduleRetry(ReasonThrottled, long)
	want(t, d.Status, DeliveryPending) // it was tried too seldom to give up
	for d.Status == DeliveryPending {
		d = d.Claim(long).ScheduleRetry(ReasonThrottled, long)
	}
	want(t, []any{d.Status, d.Attempt}, []any{DeliveryFailed, MaxAttempts})
}

func TestRegistrationID(t *testing.T) {
	e := demo()
	a := RegistrationID(e, Address{Original: "A@example.dk", Normalized: "a@example.dk"})
	want(t, IsID(a), true)
	want(t, RegistrationID(e, Address{Original: "a@EXAMPLE.dk", Normalized: "a@example.dk"}), a)
	other := demo()
	other.Secret = []byte("another secret..")
	if RegistrationID(other, Address{Normalized: "a@example.dk"}) == a {
		t.Error("the id is the same at another event")
	}
}
