package deltag

import (
	"testing"
	"time"
)

func TestRegistrationTransitions(t *testing.T) {
	at := now.Add(time.Hour)
	base := Registration{Revision: 3, MailVersion: 5, ICalSequence: 7, ConfirmedAt: now, WaitlistedAt: now}
	const confirmed, waitlisted, cancelled = RegistrationConfirmed, RegistrationWaitlisted, RegistrationCancelled
	none, resend := time.Time{}, Registration.ResendStatus
	type result struct {
		Status                    RegistrationStatus
		ConfirmedAt, WaitlistedAt time.Time
		ICalSequence              int
		Mail                      MailKind
	}
	for name, c := range map[string]struct {
		from  RegistrationStatus
		apply func(Registration, time.Time) (Registration, Delivery)
		want  result
	}{
		"Confirm":           {"", Registration.Confirm, result{confirmed, at, none, 7, KindConfirmation}},
		"ConfirmAgain":      {cancelled, Registration.Confirm, result{confirmed, at, none, 8, KindConfirmation}},
		"JoinWaitlist":      {"", Registration.JoinWaitlist, result{waitlisted, none, at, 7, KindWaitlisted}},
		"JoinWaitlistAgain": {cancelled, Registration.JoinWaitlist, result{waitlisted, none, at, 8, KindWaitlisted}},
		"Promote":           {waitlisted, Registration.Promote, result{confirmed, at, none, 7, KindPromoted}},
		"Cancel":            {confirmed, Registration.Cancel, result{cancelled, now, none, 8, KindRegistrationCancelled}},
		"ResendConfirmed":   {confirmed, resend, result{confirmed, now, now, 7, KindConfirmation}},
		"ResendWaitlisted":  {waitlisted, resend, result{waitlisted, now, now, 7, KindWaitlisted}},
		"ResendCancelled":   {cancelled, resend, result{cancelled, now, now, 7, KindRegistrationCancelled}},
	} {
		t.Run(name, func(t *testing.T) {
			r := base
			r.Status = c.from
			r, d := c.apply(r, at)
			assertEqual(t, result{r.Status, r.ConfirmedAt, r.WaitlistedAt, r.ICalSequence, d.Kind}, c.want)
			assertEqual(t, []any{r.Revision, r.MailVersion, r.LastMailedAt}, []any{4, 6, at})
			assertEqual(t, []any{d.Version, d.DueAt}, []any{6, at})
		})
	}
}

func TestMailedJustNow(t *testing.T) {
	r := testRegistration()
	for after, want := range map[time.Duration]bool{
		0: true, ResendCooldown - 1: true, ResendCooldown: false,
		// Of two at the same time, the later one may be stored first.
		-time.Millisecond: true, -ResendCooldown + 1: true,
		-ResendCooldown: false, // the clock was wrong
	} {
		assertEqual(t, r.MailedJustNow(r.LastMailedAt.Add(after)), want)
	}
}

func TestNewRegistrationTakesTheForm(t *testing.T) {
	s := testSignUp("mette@example.dk")
	r := NewRegistration(testEvent(), s, []byte("key"), now)
	want := Registration{
		EventID: "aaaaaaaaaaaaaaaaaaaa", ID: RegistrationID(testEvent(), s.Email), Secret: []byte("key"), Name: s.Name,
		Email: s.Email, Organisation: s.Organisation, JobTitle: s.JobTitle, Answers: s.Answers, AsksForNews: true,
		Language: LanguageEnglish, AddressStatus: AddressOK, RegisteredAt: now,
	}
	assertEqual(t, r, want)
}

func TestChangeAddress(t *testing.T) {
	e, r, at := testEvent(), testRegistration(), now.Add(time.Hour)
	next, d := r.ChangeAddress(e, Registration{}, testSignUp("m@example.dk"), []byte("new"), at)
	t.Run("HasANewIDAndNewLinks", func(t *testing.T) {
		assertEqual(t, next.ID, RegistrationID(e, Address{Normalized: "m@example.dk"}))
		assertEqual(t, []any{next.Secret, next.Revision, next.PreviousIDs}, []any{[]byte("new"), r.Revision + 1, []string{r.ID}})
	})
	t.Run("KeepsItsSeatAndIsToldSo", func(t *testing.T) {
		assertEqual(t, []any{next.Status, next.ConfirmedAt}, []any{RegistrationConfirmed, r.ConfirmedAt})
		assertEqual(t, []any{d.Kind, d.Version}, []any{KindConfirmation, r.MailVersion + 1})
		assertEqual(t, d.Email.Normalized, "m@example.dk")
	})
	t.Run("OldAndNewAddressHaveCalendarEntriesOfTheirOwn", func(t *testing.T) {
		removal := *NewFinalDelivery(e, r, KindAddressChanged, at).DetachedRecipient
		assertEqual(t, removal.CalendarUID(), r.CalendarUID())
		assertEqual(t, removal.ICalSequence, r.ICalSequence+1)
		if next.CalendarUID() == r.CalendarUID() {
			t.Error(r.CalendarUID())
		}
	})
	t.Run("BackToTheFirstAddress", func(t *testing.T) {
		back, _ := next.ChangeAddress(e, Registration{}, testSignUp("mette@example.dk"), []byte("newer"), at)
		assertEqual(t, []any{back.ID, back.PreviousIDs}, []any{r.ID, []string{next.ID}})
	})
	t.Run("OnlyABounceIsForgotten", func(t *testing.T) {
		for old, want := range map[AddressStatus]AddressStatus{
			AddressBounced: AddressOK, AddressUnsubscribed: AddressUnsubscribed, AddressComplained: AddressComplained,
		} {
			r.AddressStatus = old
			next, _ := r.ChangeAddress(e, Registration{}, testSignUp("m@example.dk"), nil, at)
			assertEqual(t, next.AddressStatus, want)
		}
	})
}

func TestSmallRegistrationChanges(t *testing.T) {
	r := testRegistration()
	attended := r.MarkAttended(start)
	assertEqual(t, []any{attended.AttendedAt, attended.Revision}, []any{start, r.Revision + 1})
	bounced := r.SetAddressStatus(AddressBounced)
	assertEqual(t, []any{bounced.AddressStatus, bounced.Revision}, []any{AddressBounced, r.Revision + 1})
	link, mac, err := ParseLink(r.LinkToken(PurposeJoin), PurposeJoin)
	assertEqual(t, []any{link, err}, []any{Link{EventID: r.EventID, RegistrationID: r.ID, Purpose: PurposeJoin}, nil})
	assertEqual(t, link.Check(mac, r.Secret), nil)
}

func TestAddress(t *testing.T) {
	a := Address{Original: "Mette@Blåbærgrød.dk", Normalized: "mette@xn--blbrgrd-fxak7p.dk"}
	assertEqual(t, []string{a.ASCII(), a.Domain()}, []string{"Mette@xn--blbrgrd-fxak7p.dk", "xn--blbrgrd-fxak7p.dk"})
	assertEqual(t, Address{Original: "x"}.ASCII(), "")
}

func TestAddressStatusSeverity(t *testing.T) {
	order := []AddressStatus{AddressOK, AddressUnsubscribed, AddressComplained, AddressBounced}
	for i, a := range order {
		for j, b := range order {
			assertEqual(t, a.MoreSevereThan(b), i > j)
		}
	}
}
