package mailer_test

import (
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// putSelectedMessage plans a message to those of e's persons who are named.
func (f *fixture) putSelectedMessage(e deltag.Event, people ...int) {
	f.t.Helper()
	var ids []string
	for _, n := range people {
		ids = append(ids, registrationID(e, n))
	}
	m := e.NewMailing(deltag.KindMessage, 1, f.clock(), "Husk kaffe").SelectRecipients(ids)
	if err := f.store.PutMailing(ctx, m); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) messages(n int) int { return f.ses.to(address(n))[string(deltag.KindMessage)] }

// TestMessageToSelection: those who were picked get it once, and nobody else.
func TestMessageToSelection(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("GoesToThemAlone", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUpMany(e, 20)
			f.putSelectedMessage(e, 3, 17, 4, 3)
			f.signUp(e, 20)
			f.runDue()
			for n := range 21 {
				want(t, f.messages(n), map[bool]int{true: 1}[n == 3 || n == 4 || n == 17])
			}
			stored, err := f.store.Mailing(ctx, deltag.MailingKey{EventID: e.ID, Kind: deltag.KindMessage, Version: 1})
			want(t, err, error(nil))
			want(t, []any{stored.Status, stored.Sent, stored.RecipientCount}, []any{deltag.MailingDone, 3, 3})
		})
		run("FollowsAnAddressThatIsCorrected", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			f.putSelectedMessage(e, 1)
			if err := f.store.UpdateByOrganiser(ctx, e, r, signUpRequest(2), f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, []int{f.messages(1), f.messages(2)}, []int{0, 1})
		})
		run("ReachesNobodyOnceTheListHasExpired", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUpMany(e, 2)
			m := e.NewMailing(deltag.KindMessage, 1, f.clock(), "Husk kaffe")
			m.Audience, m.RecipientCount = deltag.AudienceSelected, 2 // without a list
			if err := f.store.PutMailing(ctx, m); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.messages(0)+f.messages(1), 0)
		})
	})
}

// TestCrashInMessageToSelection ends a mailer at each write and each call to SES, and starts another.
func TestCrashInMessageToSelection(t *testing.T) {
	const people = 8
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("BeforeTheCall=%v", before), func(t *testing.T) {
				crashes := 0
				for crashAt := int64(1); ; crashAt += crashStep() {
					f := newFixture(t, engine.NewTable(t))
					e := f.newEvent(nil)
					f.signUpMany(e, people)
					f.runDue()
					f.setTime(f.clock().Add(time.Hour))
					f.putSelectedMessage(e, 0, 2, 5, 6, 7)
					p := &crashingProcess{crashAt: crashAt, before: before}
					_ = p.mailer(f).RunDue(ctx)
					if !p.crashed() {
						break
					}
					crashes++
					for _, mail := range f.ses.mails {
						f.handleSESEvent(mail, deltag.SESSend)
					}
					for range 3 {
						f.runDue()
						f.setTime(f.clock().Add(deltag.SendLease))
					}
					for n := range people {
						want(t, f.messages(n), map[bool]int{true: 1}[n != 1 && n != 3 && n != 4])
					}
				}
				if crashes < 10/int(crashStep()) {
					t.Errorf("only %d crashes were tried", crashes)
				}
			})
		}
	})
}
