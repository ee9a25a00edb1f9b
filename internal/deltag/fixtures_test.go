package deltag

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	start = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC)
	end   = start.Add(time.Hour)
	now   = start.AddDate(0, 0, -8)
)

// testEvent is open for sign-up at now, has the default reminders, and lasts from start to end.
func testEvent() Event {
	return Event{
		ID: "aaaaaaaaaaaaaaaaaaaa", Slug: "samskabelse", Title: "Samskabelse", Language: LanguageDanish,
		StartsAt: start, EndsAt: end, TimeZone: "Europe/Copenhagen", RetentionDays: 30,
		Organiser: Organiser{Name: "UKON", Email: "Hej@example.dk"}, Status: EventOpen, ScheduledMails: DefaultScheduledMails(),
		Verify: VerifyAuto,
		Secret: make([]byte, secretSize), ScheduleVersion: 1, ICalSequence: 2, CalendarChangedAt: now.AddDate(0, 0, -1),
	}
}

// testRegistration was confirmed at now.
func testRegistration() Registration {
	r := NewRegistration(testEvent(), testSignUp("mette@example.dk"), []byte("registration key"), now)
	r, _ = r.Confirm(now)
	return r
}

func testSignUp(address string) SignUpRequest {
	return SignUpRequest{
		Name: "Mette", Email: Address{Original: address, Normalized: address}, Organisation: "Aarhus", JobTitle: "Leder",
		AllowsNews: true, Answers: map[string][]string{"diet": {"vegan"}}, Language: LanguageEnglish,
	}
}

func assertEqual(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// dueTimes are the due times of mailings by kind.
func dueTimes(ms []Mailing) map[MailKind]time.Time {
	due := map[MailKind]time.Time{}
	for _, m := range ms {
		due[m.Kind] = m.DueAt
	}
	return due
}
