package deltag

import (
	"testing"
	"time"
)

func TestNetworkShare(t *testing.T) {
	for capacity, want := range map[int]int{
		1: 1, 2: 1, 3: 1, 12: 6, 19: 9, 20: 10, 99: 10, 109: 10, 110: 11, 300: 30, 100_000: 10_000,
	} {
		e := testEvent()
		e.Capacity = &capacity
		share, limited := e.NetworkShare()
		assertEqual(t, []any{capacity, share, limited}, []any{capacity, want, true})
	}
	_, limited := testEvent().NetworkShare()
	assertEqual(t, limited, false)
}

func TestUnverifiedIsCountedApart(t *testing.T) {
	var c Counts
	r, _ := testRegistration().AwaitVerification(now)
	c.Add(r)
	assertEqual(t, c, Counts{Unverified: 1})
	stats := NewEventStats()
	stats.AddRegistration(testEvent(), r)
	assertEqual(t, stats, NewEventStats())
}

func TestAnUnverifiedAddressGetsNoOtherMail(t *testing.T) {
	e := testEvent()
	r := NewRegistration(e, testSignUp("mette@example.dk"), []byte("0123456789abcdef"), now)
	r, mail := r.AwaitVerification(now)
	assertEqual(t, []any{mail.Kind, mail.Version}, []any{KindVerification, 1})
	assertEqual(t, r.VerifyUntil, now.Add(24*time.Hour))
	context := func(k MailKind) MailContext {
		return MailContext{Event: e, Registration: r, Kind: k, Version: e.currentVersion(k), DueAt: now}
	}
	for _, k := range []MailKind{
		"reminder-P1D", KindFollowUpAttended, KindFollowUpMissed, KindMessage, KindMoved, KindChanged, KindEventCancelled,
		KindConfirmation, KindWaitlisted, KindPromoted,
	} {
		assertEqual(t, []any{k, context(k).SkipReason(now)}, []any{k, ReasonUnverified})
	}
	assertEqual(t, context(KindVerification).SkipReason(now), Reason(""))
	for _, a := range []Audience{"", AudienceAll, AudienceConfirmed, AudienceWaitlisted, AudienceNotAttended} {
		assertEqual(t, Mailing{Audience: a}.Targets(r), false)
	}
	assertEqual(t, context(KindVerification).SkipReason(now.Add(24*time.Hour)), ReasonLinkExpired)
	confirmed, _ := r.Confirm(now.Add(time.Hour))
	c := context(KindVerification)
	c.Registration, c.Version = confirmed, confirmed.MailVersion
	assertEqual(t, c.SkipReason(now), ReasonConfirmed)
}

func TestReplyToSignUp(t *testing.T) {
	confirmed := testRegistration()
	cancelled, _ := confirmed.Cancel(now)
	unverified, _ := confirmed.AwaitVerification(now)
	for _, tt := range []struct {
		r    Registration
		want MailKind
	}{{confirmed, KindConfirmation}, {cancelled, KindVerification}, {unverified, KindVerification}} {
		next, d := tt.r.ReplyToSignUp(now)
		assertEqual(t, []any{next.Status, d.Kind}, []any{tt.r.Status, tt.want})
	}
}

func TestConsentCountsOnceTheAddressIsVerified(t *testing.T) {
	in := testSignUp("mette@example.dk") // ticked
	r := NewRegistration(testEvent(), in, []byte("key"), now)
	assertEqual(t, []any{r.AllowsNews, r.AsksForNews}, []any{false, true})
	for name, shown := range map[string]Registration{
		"pressed": r.HasVerified(true), "joined": r.MarkAttended(now), "saved": r.WithDetails(in),
	} {
		assertEqual(t, []any{name, shown.AllowsNews, shown.AsksForNews}, []any{name, true, false})
	}
	in.AllowsNews = false
	withdrawn := r.WithDetails(in)
	assertEqual(t, []any{withdrawn.AllowsNews, withdrawn.AsksForNews}, []any{false, false})
	in.AllowsNews, in.ByOrganiser = true, true
	assertEqual(t, NewRegistration(testEvent(), in, []byte("key"), now).AllowsNews, true)
}

func TestRequestAddressChange(t *testing.T) {
	r, in := testRegistration(), testSignUp("ny@example.dk")
	next, mail, err := r.RequestAddressChange(in, []byte("0123456789abcdef"), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("LeavesTheRegistrationAsItIs", func(t *testing.T) {
		same := next
		same.AddressChange, same.Revision = nil, r.Revision
		same.AddressChanges, same.ChangedOn = 0, r.ChangedOn
		assertEqual(t, same, r)
	})
	t.Run("AsksTheNewAddressAndSaysNothingOfTheOldOne", func(t *testing.T) {
		assertEqual(t, []any{mail.Kind, mail.ByForm}, []any{KindVerification, true})
		assertEqual(t, []any{mail.RegistrationID, mail.Email}, []any{r.ID, in.Email})
		assertEqual(t, *mail.DetachedRecipient, Registration{
			EventID: r.EventID, ID: r.ID, Email: in.Email, Language: in.Language, Status: RegistrationUnverified,
			AddressStatus: AddressOK, AsksForNews: true, LastMailedAt: now, VerifyUntil: now.Add(24 * time.Hour),
			MailVersion: next.Revision,
		})
	})
	t.Run("RepeatedKeepsTheLinkAndReplacesItsMail", func(t *testing.T) {
		again, second, _ := next.RequestAddressChange(in, []byte("another key 1234"), now.Add(time.Hour))
		assertEqual(t, again.AddressChange.Secret, next.AddressChange.Secret)
		assertEqual(t, again.AddressChange.VerifyUntil, now.Add(25*time.Hour))
		for d, want := range map[string]Reason{mail.ID(): ReasonSuperseded, second.ID(): ""} {
			key, _ := ParseDeliveryID(mail.EventID, d)
			c := MailContext{
				Event: testEvent(), Registration: again.VerificationRecipient(mail), Kind: key.Kind, Version: key.Version,
			}
			assertEqual(t, c.SkipReason(now), want)
		}
		late, _, _ := next.RequestAddressChange(in, []byte("another key 1234"), now.Add(24*time.Hour))
		assertEqual(t, string(late.AddressChange.Secret), "another key 1234") // the first link has stopped working
		kept := next.KeepAddressChange(testSignUp(in.Email.Original))
		assertEqual(t, kept.AddressChange.VerifyUntil, next.AddressChange.VerifyUntil)
		assertEqual(t, kept.Revision, next.Revision+1)
	})
	t.Run("AtMostFiveMailsADay", func(t *testing.T) {
		r, err := r, error(nil)
		for range MaxAddressChangesPerDay {
			if r, _, err = r.RequestAddressChange(in, nil, now); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err = r.RequestAddressChange(in, nil, now)
		midnight := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
		assertEqual(t, err, error(ChangeLimitError{Limit: MaxAddressChangesPerDay, OfAddress: true, Until: midnight}))
		if r, err = r.CountChange(now); err != nil || r.AddressChanges != MaxAddressChangesPerDay {
			t.Errorf("other changes: %v", err)
		}
		if _, _, err = r.RequestAddressChange(in, nil, midnight); err != nil {
			t.Errorf("on the next day: %v", err)
		}
	})
	t.Run("WhatWasTickedIsShown", func(t *testing.T) {
		in := in
		in.AllowsNews = true
		ticked, mail, _ := r.RequestAddressChange(in, []byte("0123456789abcdef"), now)
		assertEqual(t, ticked.VerificationRecipient(mail).AsksForNews, true)
	})
	t.Run("ToAThirdAddressEndsTheLink", func(t *testing.T) {
		other, _, _ := next.RequestAddressChange(testSignUp("tredje@example.dk"), []byte("another key 1234"), now)
		assertEqual(t, other.VerificationRecipient(mail), Registration{})
		assertEqual(t, next.VerificationRecipient(mail).Email, in.Email)
		assertEqual(t, r.VerificationRecipient(mail), Registration{})
	})
	t.Run("GivingUpTheSeatDropsIt", func(t *testing.T) {
		cancelled, _ := next.Cancel(now)
		assertEqual(t, cancelled.AddressChange == nil, true)
	})
}

func TestDelayVerification(t *testing.T) {
	r, mail := testRegistration().AwaitVerification(now)
	delayed := mail.WaitForNextDay(now)
	until := delayed.NextAttemptAt.Add(24 * time.Hour)
	next, ok := r.DelayVerification(delayed)
	assertEqual(t, []any{ok, next.VerifyUntil, next.Revision}, []any{true, until, r.Revision + 1})
	later, _ := r.ResendStatus(now.Add(time.Hour))
	_, ok = later.DelayVerification(delayed) // another mail has come since
	assertEqual(t, ok, false)

	changing, mail, _ := testRegistration().RequestAddressChange(testSignUp("ny@example.dk"), []byte("0123456789abcdef"), now)
	delayed = mail.WaitForNextDay(now)
	until = delayed.NextAttemptAt.Add(24 * time.Hour)
	next, ok = changing.DelayVerification(delayed)
	assertEqual(t, []any{ok, next.AddressChange.VerifyUntil, next.Revision}, []any{true, until, changing.Revision + 1})
	assertEqual(t, changing.AddressChange.VerifyUntil, now.Add(24*time.Hour)) // the caller's value
	_, ok = changing.DropAddressChange().DelayVerification(delayed)
	assertEqual(t, ok, false)
}

func TestDailyLimit(t *testing.T) {
	_, d := testRegistration().Confirm(now)
	assertEqual(t, d.DailyLimit(), MaxMailsPerMailboxPerDay)
	d.ByForm = true
	assertEqual(t, d.DailyLimit(), MaxFormMailsPerMailboxPerDay)
}

func TestCheckVerification(t *testing.T) {
	e := testEvent()
	r := NewRegistration(e, testSignUp("mette@example.dk"), []byte("0123456789abcdef"), now)
	unverified, _ := r.AwaitVerification(now)
	confirmed, _ := unverified.Confirm(now)
	cancelled, _ := confirmed.Cancel(now)
	asked, _ := cancelled.ReplyToSignUp(now)
	changing, _, _ := confirmed.RequestAddressChange(testSignUp("ny@example.dk"), []byte("fedcba9876543210"), now)
	closed, off := e, e
	closed.Status, off.Status = EventClosed, EventCancelled
	key, newKey := unverified.Secret, changing.AddressChange.Secret
	dayLater := now.Add(24 * time.Hour)
	for name, tt := range map[string]struct {
		e       Event
		r       Registration
		secret  []byte
		at      time.Time
		changes bool
		state   VerificationState
		err     error
	}{
		"Unverified":                     {e, unverified, key, now, false, VerificationOpen, nil},
		"UnverifiedAfterADay":            {e, unverified, key, dayLater, false, VerificationExpired, nil},
		"UnverifiedAfterSignUpHasClosed": {closed, unverified, key, now, false, VerificationOpen, nil},
		"Confirmed":                      {e, confirmed, key, now, false, VerificationUsed, nil},
		"GivenUp":                        {e, asked, key, now, false, VerificationOpen, nil},
		"GivenUpAndClosed":               {closed, asked, key, now, false, VerificationClosed, nil},
		"EventCancelled":                 {off, unverified, key, now, false, VerificationCancelled, nil},
		"EventOver":                      {e, unverified, key, end, false, VerificationOver, nil},
		"ChangeOfAddress":                {e, changing, newKey, now, true, VerificationOpen, nil},
		"ChangeOfAddressAfterADay":       {e, changing, newKey, dayLater, true, VerificationExpired, nil},
		"AnotherKey":                     {e, unverified, newKey, now, false, VerificationOpen, ErrBadLink},
	} {
		l := Link{EventID: e.ID, RegistrationID: tt.r.ID, Purpose: PurposeVerify}
		got, err := tt.r.CheckVerification(tt.e, l, l.mac(tt.secret), tt.at)
		assertEqual(t, []any{name, got, err == tt.err}, []any{name, Verification{tt.changes, tt.state}, true})
		manage := Link{EventID: e.ID, RegistrationID: tt.r.ID, Purpose: PurposeManage}
		if _, err := tt.r.CheckVerification(tt.e, l, manage.mac(tt.secret), tt.at); err == nil {
			t.Errorf("%s: the MAC of another purpose is taken", name)
		}
	}
}

func TestTakesOver(t *testing.T) {
	confirmed := testRegistration()
	waiting, _ := confirmed.JoinWaitlist(now)
	cancelled, _ := confirmed.Cancel(now)
	unverified, _ := confirmed.AwaitVerification(now)
	for _, seated := range []Registration{confirmed, waiting} {
		for _, other := range []Registration{cancelled, unverified} {
			assertEqual(t, []any{seated.TakesOver(other), other.TakesOver(seated)}, []any{true, false})
			assertEqual(t, other.TakesOver(other), false)
		}
		assertEqual(t, seated.TakesOver(confirmed), false)
	}
	assertEqual(t, []bool{confirmed.TakesOver(waiting), waiting.TakesOver(waiting)}, []bool{true, false})
}

func TestCorrectionReplaces(t *testing.T) {
	confirmed := testRegistration()
	waiting, _ := confirmed.JoinWaitlist(now)
	cancelled, _ := confirmed.Cancel(now)
	unverified, _ := confirmed.AwaitVerification(now)
	for _, r := range []Registration{confirmed, waiting, cancelled, unverified} {
		takesPart := r.IsActive()
		for _, other := range []Registration{cancelled, unverified} {
			assertEqual(t, r.CorrectionReplaces(other), takesPart)
		}
		for _, other := range []Registration{confirmed, waiting} {
			assertEqual(t, r.CorrectionReplaces(other), false)
		}
	}
}
