package dynamo_test

import (
	"slices"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// digests are those in the organiser's notes of an event, in the order of their days.
func digests(t testing.TB, engine storetest.Engine, e deltag.Event) (all []deltag.Digest) {
	t.Helper()
	notes := readAll(t, engine, engine.Store(), e.ID).notes()
	slices.SortFunc(notes, func(a, b deltag.Delivery) int { return a.Version - b.Version })
	for _, note := range notes {
		if note.Digest != nil {
			all = append(all, *note.Digest)
		}
	}
	return all
}

// dueDigest is when the digest of an event is due in the index. Zero: never.
func dueDigest(t testing.TB, s *dynamo.Store, e deltag.Event) time.Time {
	t.Helper()
	tasks, err := s.DueTasks(ctx, e.EndsAt.AddDate(1, 0, 0), 1000)
	must(t, err)
	for _, task := range tasks {
		if task.Kind == deltag.TaskDigest && task.EventID == e.ID {
			return task.DueAt
		}
	}
	return time.Time{}
}

func TestDigest(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		newEvent := func(t *testing.T) (storetest.Engine, *dynamo.Store, deltag.Event) {
			engine := engine.NewTable(t)
			s := engine.Store()
			return engine, s, newEvent(t, s, func(e *deltag.Event) { e.Organiser.ReceivesDigest = true })
		}
		t.Run("TellsEachMorningWhatIsNew", func(t *testing.T) {
			engine, s, e := newEvent(t)
			signUp(t, s, e, 1, now)
			due := dueDigest(t, s, e)
			must(t, s.TellDigest(ctx, e.ID, due.Add(-time.Second)))
			want(t, len(digests(t, engine, e)), 0) // too early
			must(t, s.TellDigest(ctx, e.ID, due))
			must(t, s.TellDigest(ctx, e.ID, due)) // again
			first := deltag.Digest{Confirmed: 1, NewConfirmed: 1, HasNews: true}
			want(t, digests(t, engine, e), []deltag.Digest{first})
			next := dueDigest(t, s, e)
			want(t, next, due.AddDate(0, 0, 1))
			must(t, s.TellDigest(ctx, e.ID, next)) // nothing new
			want(t, len(digests(t, engine, e)), 1)
			signUp(t, s, e, 2, now)
			must(t, s.TellDigest(ctx, e.ID, dueDigest(t, s, e)))
			want(t, digests(t, engine, e), []deltag.Digest{first, {Confirmed: 2, NewConfirmed: 1, HasNews: true}})
		})
		t.Run("IsInTheNoteOfTheMorning", func(t *testing.T) {
			engine, s, e := newEvent(t)
			due := dueDigest(t, s, e)
			note := deltag.NewOrganiserNote(e, due.AddDate(0, 0, -1))
			must(t, s.SaveDelivery(ctx, note))
			signUp(t, s, e, 1, now)
			must(t, s.TellDigest(ctx, e.ID, due))
			notes := readAll(t, engine, s, e.ID).notes()
			want(t, len(notes), 1)
			want(t, notes[0].Version, note.Version)
			want(t, notes[0].DueAt, due.Add(10*time.Minute))
			want(t, notes[0].Digest, &deltag.Digest{Confirmed: 1, NewConfirmed: 1, HasNews: true})
		})
		t.Run("ComesOnceThoughTwoTellIt", func(t *testing.T) {
			engine, s, e := newEvent(t)
			signUp(t, s, e, 1, now)
			due := dueDigest(t, s, e)
			other := engine.Store()
			p := interrupted(engine, 5, func() { must(t, other.TellDigest(ctx, e.ID, due)) })
			if err := p.store.TellDigest(ctx, e.ID, due); err != nil {
				wantError(t, err, deltag.ErrConflict)
			}
			want(t, len(digests(t, engine, e)), 1)
		})
		t.Run("IsToldAfterACrash", func(t *testing.T) {
			for n := 1; n <= 6; n++ {
				engine, s, e := newEvent(t)
				signUp(t, s, e, 1, now)
				due := dueDigest(t, s, e)
				_ = crashed(engine, n).TellDigest(ctx, e.ID, due)
				must(t, s.TellDigest(ctx, e.ID, due))
				want(t, digests(t, engine, e), []deltag.Digest{{Confirmed: 1, NewConfirmed: 1, HasNews: true}})
				want(t, dueDigest(t, s, e), due.AddDate(0, 0, 1))
			}
		})
		t.Run("GoesToWhoeverIsTheOrganiserByThen", func(t *testing.T) {
			engine, s, e := newEvent(t)
			signUp(t, s, e, 1, now)
			must(t, s.TellDigest(ctx, e.ID, dueDigest(t, s, e)))
			e.Revision++
			e.Organiser.Name, e.Organiser.Email = "Ny", "ny@example.dk"
			must(t, s.UpdateEvent(ctx, e, deltag.MailingChanges{}))
			note := readAll(t, engine, s, e.ID).notes()[0]
			d, _, recipient, err := s.LoadDelivery(ctx, note.DeliveryKey)
			must(t, err)
			want(t, []string{d.Email.Original, recipient.Email.Original, recipient.Name}, []string{"ny@example.dk", "ny@example.dk", "Ny"})
			must(t, s.Claim(ctx, d.Claim(note.DueAt), recipient)) // by the row's own key
			claimed, err := s.Delivery(ctx, note.DeliveryKey)
			must(t, err)
			want(t, []any{claimed.Email.Original, claimed.Status}, []any{"ny@example.dk", deltag.DeliverySending})
		})
		t.Run("EndsWithTheEventOrByChoice", func(t *testing.T) {
			_, s, e := newEvent(t)
			e.Revision++
			e.Organiser.ReceivesDigest = false
			must(t, s.UpdateEvent(ctx, e, deltag.MailingChanges{}))
			want(t, dueDigest(t, s, e), time.Time{})
			e.Revision++
			e.Organiser.ReceivesDigest, e.UpdatedAt = true, e.StartsAt.AddDate(0, 0, -2)
			must(t, s.UpdateEvent(ctx, e, deltag.MailingChanges{}))
			due := dueDigest(t, s, e)
			must(t, s.TellDigest(ctx, e.ID, due.AddDate(0, 0, 5))) // after an outage
			want(t, dueDigest(t, s, e), time.Time{})
		})
	})
}
