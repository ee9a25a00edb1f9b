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
	assertEqual(t, r.VerificationEndsAt(), now.Add(24*time.Hour))
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
		"pressed": r.HasVerified(), "joined": r.MarkAttended(now), "saved": r.WithDetails(in),
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
	next, mail, mailed := r.RequestAddressChange(in, []byte("0123456789abcdef"), now)
	t.Run("LeavesTheRegistrationAsItIs", func(t *testing.T) {
		same := next
		same.AddressChange, same.Revision = nil, r.Revision
		assertEqual(t, same, r)
	})
	t.Run("AsksTheNewAddressAndSaysNothingOfTheOldOne", func(t *testing.T) {
		assertEqual(t, []any{mailed, mail.Kind}, []any{true, KindVerification})
		assertEqual(t, []any{mail.RegistrationID, mail.Email}, []any{r.ID, in.Email})
		assertEqual(t, *mail.DetachedRecipient, Registration{
			EventID: r.EventID, ID: r.ID, Email: in.Email, Language: in.Language, Status: RegistrationUnverified,
			AddressStatus: AddressOK, LastMailedAt: now,
		})
	})
	t.Run("RepeatedKeepsTheLink", func(t *testing.T) {
		for after, wantMail := range map[time.Duration]bool{0: false, ResendCooldown: true} {
			again, _, mailed := next.RequestAddressChange(in, []byte("another key 1234"), now.Add(after))
			assertEqual(t, []any{again.AddressChange.Secret, mailed}, []any{next.AddressChange.Secret, wantMail})
		}
	})
	t.Run("ToAThirdAddressEndsTheLink", func(t *testing.T) {
		other, _, mailed := next.RequestAddressChange(testSignUp("tredje@example.dk"), []byte("another key 1234"), now)
		assertEqual(t, mailed, true)
		assertEqual(t, other.VerificationRecipient(mail), Registration{})
		assertEqual(t, next.VerificationRecipient(mail).Email, in.Email)
		assertEqual(t, r.VerificationRecipient(mail), Registration{})
	})
	t.Run("GivingUpTheSeatDropsIt", func(t *testing.T) {
		cancelled, _ := next.Cancel(now)
		assertEqual(t, cancelled.AddressChange == nil, true)
	})
}

func TestCheckVerification(t *testing.T) {
	e := testEvent()
	r := NewRegistration(e, testSignUp("mette@example.dk"), []byte("0123456789abcdef"), now)
	unverified, _ := r.AwaitVerification(now)
	confirmed, _ := unverified.Confirm(now)
	cancelled, _ := confirmed.Cancel(now)
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
		"GivenUp":                        {e, cancelled, key, now, false, VerificationOpen, nil},
		"GivenUpAndClosed":               {closed, cancelled, key, now, false, VerificationClosed, nil},
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
}
