package mailer_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestRequestCount counts round trips to the table.
func TestRequestCount(t *testing.T) {
	w := newFixture(t, storetest.Embedded(t))
	calls := func(do func()) int {
		w.engine.Transport.Reset()
		do()
		return w.engine.Transport.Count()
	}
	e := w.newEvent(nil)
	for n := range 200 {
		w.signUp(e, n)
	}
	t.Run("ThreeForAConfirmation", func(t *testing.T) {
		// Beside them: the table's key for suppressed addresses, which is read and made, and a look into the due index for each hundred.
		if got := calls(w.runDue); got > 3*200+8 {
			t.Errorf("%d calls for 200 mails", got)
		}
	})
	t.Run("OneForATickWithNothingDue", func(t *testing.T) { want(t, calls(w.runDue), 1) })
	t.Run("TwoForAReminder", func(t *testing.T) {
		w.setTime(start.Add(-24 * time.Hour))
		// Beside them: a page, the event, a look into the due index and the cursor for each hundred, and the mailing itself.
		if got := calls(w.runDue); got > 2*200+20 {
			t.Errorf("%d calls for 200 mails", got)
		}
	})
	t.Run("ThreeForATimeline", func(t *testing.T) {
		got := calls(func() {
			e, err := w.store.Event(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			ms, err := w.store.Mailings(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			c, err := w.store.Counts(ctx, e)
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Timeline(ms, c, w.clock())) != 3 {
				t.Error("not three entries")
			}
		})
		want(t, got, 3)
	})
}

// TestTimeline compares what the timeline says with what is then sent: for each entry that is to go out the number, and for each
// that is not, nothing.
func TestTimeline(t *testing.T) {
	w := newFixture(t, storetest.Embedded(t))
	e := w.newEvent(func(e *deltag.Event) {
		e.Reminders = append(e.Reminders,
			deltag.Reminder{Kind: deltag.KindFollowUpAttended, Offset: deltag.Offset(time.Hour), Text: "Tak"},
			deltag.Reminder{Kind: deltag.KindFollowUpMissed, Offset: deltag.Offset(time.Hour)})
	})
	for n := range 12 {
		w.signUp(e, n)
	}
	if err := w.store.CancelRegistration(ctx, e, w.registration(e, 3), w.clock()); err != nil {
		t.Fatal(err)
	}
	w.runDue()
	moved := w.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start.Add(48*time.Hour), start.Add(49*time.Hour) })
	w.setTime(w.clock().Add(time.Second))
	foretold := map[deltag.MailingKey]deltag.TimelineEntry{}
	ms, err := w.store.Mailings(ctx, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.store.Counts(ctx, moved)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range moved.Timeline(ms, c, w.clock()) {
		foretold[deltag.MailingKey{EventID: e.ID, Kind: n.Kind, Version: n.Version}] = n
	}
	for w.clock().Before(moved.EndsAt.Add(2 * time.Hour)) {
		w.setTime(w.clock().Add(5 * time.Minute))
		if now := w.clock(); now.After(moved.StartsAt) && now.Before(moved.EndsAt) {
			for _, n := range []int{1, 2} {
				if err := w.store.MarkAttended(ctx, moved, w.registration(e, n), now); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.runDue()
	}
	sent := map[deltag.MailingKey]int{}
	for _, m := range w.ses.mails {
		sent[deltag.MailingKey{EventID: e.ID, Kind: m.Delivery.Kind, Version: m.Delivery.Version}]++
	}
	for key, n := range foretold {
		t.Run(string(key.Kind), func(t *testing.T) {
			switch {
			case n.Reason != "":
				want(t, sent[key], 0)
			case n.Kind == deltag.KindFollowUpAttended: // before the event: at most
				want(t, sent[key], 2)
				want(t, n.Expected, 11)
			default:
				want(t, sent[key], n.Expected)
				want(t, n.Expected, 11)
			}
		})
	}
	want(t, len(foretold), 10) // three of the old schedule, three of the new, the news, two follow-ups, and one of the old schedule's
}
