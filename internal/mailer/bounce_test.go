package mailer_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
)

// oneSeat is a change for newEvent: a limit of one, and no reminders.
func oneSeat(e *deltag.Event) {
	n := 1
	e.Capacity, e.ScheduledMails = &n, nil
}

// sendMessage sends a message to all of e.
func (f *fixture) sendMessage(e deltag.Event, version int) {
	f.t.Helper()
	if err := f.store.PutMailing(ctx, e.NewMailing(deltag.KindMessage, version, f.clock(), "Husk kaffe")); err != nil {
		f.t.Fatal(err)
	}
	f.runDue()
}

func TestGiveBack(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("ASeatWhoseConfirmationBouncesGoesToTheNextAndTheOrganiserGetsOneNote", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneSeat)
			first := f.signUp(e, 1)
			f.runDue()
			f.handleSESEvent(f.ses.mails[0], deltag.SESBounce)
			f.handleSESEvent(f.ses.mails[0], deltag.SESBounce) // events come twice
			f.setTime(f.clock().Add(time.Minute))
			f.signUp(e, 2)
			f.runDue()
			want(t, f.registration(e, 1).Status, deltag.RegistrationConfirmed)

			f.setTime(f.clock().Add(deltag.BounceGracePeriod))
			f.runDue()
			want(t, f.registration(e, 1).Status, deltag.RegistrationCancelled)
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, f.ses.to(address(2)), map[string]int{"waiting": 1, "promoted": 1})
			f.setTime(f.clock().Add(time.Minute))
			f.handleSESEvent(f.ses.mails[2], deltag.SESBounce) // of whom it was promoted to
			want(t, f.registration(e, 2).AddressStatus, deltag.AddressBounced)

			for range 3 {
				f.setTime(f.clock().Add(deltag.BounceGracePeriod))
				f.runDue()
			}
			want(t, f.registration(e, 2).Status, deltag.RegistrationCancelled)
			want(t, f.ses.to(e.Organiser.Email), map[string]int{"organiser-note": 2}) // one for each day
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, first.ID, f.registration(e, 1).ID)
		})
		run("ACorrectedAddressGetsItsSeatAndWhatItHasMissed", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneSeat)
			f.signUp(e, 1)
			f.runDue()
			f.handleSESEvent(f.ses.mails[0], deltag.SESBounce)
			f.sendMessage(e, 1)
			f.setTime(f.clock().Add(deltag.BounceGracePeriod))
			f.runDue()
			f.setTime(f.clock().Add(time.Hour))
			f.sendMessage(e, 2)
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})

			if err := f.store.UpdateByOrganiser(ctx, e, f.registration(e, 1), signUpRequest(3), f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.registration(e, 3).Status, deltag.RegistrationConfirmed)
			want(t, f.ses.to(address(3)), map[string]int{"confirmation": 1, "message": 2})
		})
		run("ANoteAboutNobodyIsNotSent", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneSeat)
			f.signUp(e, 1)
			f.runDue()
			f.handleSESEvent(f.ses.mails[0], deltag.SESBounce)
			f.setTime(f.clock().Add(deltag.BounceGracePeriod))
			f.runDue()
			if err := f.store.UpdateByOrganiser(ctx, e, f.registration(e, 1), signUpRequest(3), f.clock()); err != nil {
				t.Fatal(err)
			}
			f.setTime(f.clock().Add(deltag.BounceGracePeriod))
			f.runDue()
			want(t, f.ses.to(e.Organiser.Email), map[string]int{})
		})
	})
}
