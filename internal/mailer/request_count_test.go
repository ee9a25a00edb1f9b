package mailer_test

import (
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
)

// TestRequestCount counts round trips to the table.
func TestRequestCount(t *testing.T) {
	f := newFixture(t, storetest.Embedded(t))
	calls := func(do func()) int {
		f.engine.Transport.Reset()
		do()
		return f.engine.Transport.Count()
	}
	e := f.newEvent(nil)
	f.signUpMany(e, 200)
	t.Run("ThreeForAConfirmation", func(t *testing.T) {
		// Beside them: the key that hashes suppressed addresses is read and created, and the 17 partitions of the due
		// index are read, side by side, for each hundred.
		if got := calls(f.runDue); got > 3*200+3*17+8 {
			t.Errorf("%d calls for 200 mails", got)
		}
	})
	t.Run("FourForTheFirstFromANetwork", func(t *testing.T) {
		for n := range 50 { // each is the first
			f.signUpFrom(fmt.Sprint("192.0.2.", n), e, 300+n)
		}
		if got := calls(f.runDue); got > 4*50+3*17+8 {
			t.Errorf("%d calls for 50 mails", got)
		}
	})
	t.Run("SeventeenSideBySideForATickWithNothingDue", func(t *testing.T) { want(t, calls(f.runDue), 17) })
	t.Run("TwoForAReminder", func(t *testing.T) {
		f.setTime(start.Add(-24 * time.Hour))
		// Beside them: the 64 shards of the event, the due index before and after each hundred and each of the two tasks of
		// the event, the daily reconciliation, which reads the 64 shards as well, and a few for the mailing itself.
		if got := calls(f.runDue); got > 2*250+2*64+6*17+40 {
			t.Errorf("%d calls for 250 mails", got)
		}
	})
	t.Run("ThreeForATimeline", func(t *testing.T) {
		want(t, calls(func() { want(t, len(f.timeline(e.ID)), 3) }), 3)
	})
}

func (f *fixture) timeline(eventID string) []deltag.TimelineEntry {
	f.t.Helper()
	anna := organiser.Caller{Principal: deltag.Principal{Role: deltag.RoleOrganiser}, Now: f.clock()}
	_, _, entries, err := (&organiser.Service{Store: f.store}).Timeline(ctx, anna, eventID)
	if err != nil {
		f.t.Fatal(err)
	}
	return entries
}

// TestTimeline compares what the timeline says with what is then sent: the expected number for each entry that is to go
// out, and nothing for each that is not.
func TestTimeline(t *testing.T) {
	f := newFixture(t, storetest.Embedded(t))
	e := f.newEvent(func(e *deltag.Event) {
		e.ScheduledMails = append(e.ScheduledMails,
			deltag.ScheduledMail{Kind: deltag.KindFollowUpAttended, Offset: deltag.Offset(time.Hour), Text: "Tak"},
			deltag.ScheduledMail{Kind: deltag.KindFollowUpMissed, Offset: deltag.Offset(time.Hour)})
	})
	f.signUpMany(e, 12)
	if err := f.store.CancelRegistration(ctx, e, f.registration(e, 3), f.clock()); err != nil {
		t.Fatal(err)
	}
	f.runDue()
	moved := f.edit(e, func(e *deltag.Event) {
		e.StartsAt, e.EndsAt = start.Add(48*time.Hour), start.Add(49*time.Hour)
	})
	f.setTime(f.clock().Add(time.Minute))
	f.signUp(moved, 20) // who gets the reminders, and not the notice
	timeline := map[deltag.MailingKey]deltag.TimelineEntry{}
	for _, entry := range f.timeline(e.ID) {
		timeline[deltag.MailingKey{EventID: e.ID, Kind: entry.Kind, Version: entry.Version}] = entry
	}
	for f.clock().Before(moved.EndsAt.Add(2 * time.Hour)) {
		f.setTime(f.clock().Add(10 * time.Minute))
		if now := f.clock(); now.After(moved.StartsAt) && now.Before(moved.EndsAt) {
			for _, n := range []int{1, 2} {
				if err := f.store.MarkAttended(ctx, moved, f.registration(e, n), now); err != nil {
					t.Fatal(err)
				}
			}
		}
		f.runDue()
	}
	sent := map[deltag.MailingKey]int{}
	for _, mail := range f.ses.mails {
		sent[deltag.MailingKey{EventID: e.ID, Kind: mail.Delivery.Kind, Version: mail.Delivery.Version}]++
	}
	for key, entry := range timeline {
		t.Run(string(key.Kind), func(t *testing.T) {
			switch {
			case entry.Reason != "":
				want(t, sent[key], 0)
			case entry.Kind == deltag.KindFollowUpAttended: // before the event, the most there can be
				want(t, sent[key], 2)
				want(t, entry.Expected, 12)
			case entry.Kind.IsChangeNotice():
				want(t, sent[key], entry.Expected)
				want(t, entry.Expected, 11)
			default:
				want(t, sent[key], entry.Expected)
				want(t, entry.Expected, 12)
			}
		})
	}
	// Three reminders and a follow-up of the old schedule; three reminders, two follow-ups and the notice of the new.
	want(t, len(timeline), 10)
}
