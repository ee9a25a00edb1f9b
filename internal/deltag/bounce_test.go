package deltag

import (
	"testing"
	"time"
)

func TestLosesPlace(t *testing.T) {
	seats := 1
	limited := testEvent()
	limited.Capacity = &seats
	unlimited := limited
	unlimited.Capacity = nil
	cancelled := limited
	cancelled.Status = EventCancelled
	before := limited.EndsAt.Add(-time.Second)
	with := func(change func(*Registration)) Registration {
		r := testRegistration()
		r.AddressStatus = AddressBounced
		change(&r)
		return r
	}
	bounced := with(func(*Registration) {})
	for name, c := range map[string]struct {
		r    Registration
		e    Event
		at   time.Time
		want bool
	}{
		"Bounced":           {bounced, limited, before, true},
		"Waiting":           {with(func(r *Registration) { r.Status = RegistrationWaitlisted }), limited, before, true},
		"WithoutALimit":     {bounced, unlimited, before, false},
		"OfACancelledEvent": {bounced, cancelled, before, false},
		"AfterTheEnd":       {bounced, limited, limited.EndsAt, false},
		"Attended":          {with(func(r *Registration) { r.AttendedAt = before }), limited, before, false},
		"Complained":        {with(func(r *Registration) { r.AddressStatus = AddressComplained }), limited, before, false},
		"Cancelled":         {with(func(r *Registration) { r.Status = RegistrationCancelled }), limited, before, false},
		"Unverified":        {with(func(r *Registration) { r.Status = RegistrationUnverified }), limited, before, false},
	} {
		t.Run(name, func(t *testing.T) { assertEqual(t, c.r.LosesPlace(c.e, c.at), c.want) })
	}
}

func TestComeBack(t *testing.T) {
	r := testRegistration()
	gone := r.GiveBack(now.Add(time.Hour))
	assertEqual(t, []any{gone.Status, gone.WasGivenBack(), gone.MailVersion, gone.ICalSequence, gone.Revision},
		[]any{RegistrationCancelled, true, r.MailVersion, r.ICalSequence + 1, r.Revision + 1})
	later := now.Add(2 * time.Hour)
	seated, waiting := gone.ComeBack(true, later), gone.ComeBack(false, later)
	assertEqual(t,
		[]any{seated.Status, seated.ConfirmedAt, seated.WaitlistedAt, seated.WasGivenBack(), seated.ICalSequence},
		[]any{RegistrationConfirmed, later, time.Time{}, false, r.ICalSequence + 2})
	assertEqual(t, []any{waiting.Status, waiting.ConfirmedAt, waiting.WaitlistedAt, waiting.WasGivenBack()},
		[]any{RegistrationWaitlisted, time.Time{}, r.RegisteredAt, false})
	for _, other := range []Registration{{}, {Status: RegistrationCancelled}, r} {
		assertEqual(t, gone.TakesOver(other), other.Status != RegistrationConfirmed)
	}
	again, _ := gone.Confirm(later)
	assertEqual(t, again.WasGivenBack(), false)
	again, _ = gone.JoinWaitlist(later)
	assertEqual(t, again.WasGivenBack(), false)
}
