package organiser_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

func TestCreateEvent(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	t.Run("FillsInTheDefaults", func(t *testing.T) {
		wantEqual(t, e.Slug, "samskabelse-paa-dagsordenen")
		wantEqual(t, e.ScheduledMails, deltag.DefaultScheduledMails())
		stored, counts, err := f.Event(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		wantEqual(t, stored, e)
		wantEqual(t, counts, deltag.Counts{})
		mailings, err := f.store.Mailings(f.ctx, e.ID)
		wantError(t, err, nil)
		wantEqual(t, len(mailings), 3)
	})
	t.Run("RefusesTheSameSlug", func(t *testing.T) {
		another := e
		another.ID = ""
		_, err := f.CreateEvent(f.ctx, anna, func(deltag.Event) (deltag.Event, error) { return another, nil })
		wantError(t, err, deltag.ErrSlugTaken)
	})
	t.Run("ChangesNothingWhenItIsRepeated", func(t *testing.T) {
		again, err := f.CreateEvent(f.ctx, anna, func(deltag.Event) (deltag.Event, error) { return e, nil })
		wantError(t, err, nil)
		wantEqual(t, again, e)
	})
	t.Run("NamesWhatTheChangeAndTheRulesFindWrong", func(t *testing.T) {
		_, err := f.CreateEvent(f.ctx, anna, func(e deltag.Event) (deltag.Event, error) {
			e.Title = "Et nyt"
			e.Organiser = deltag.Organiser{Name: "UKON", Email: "hej"}
			return e, deltag.ValidationErrors{{Field: "startsAt", Code: "wrong-type"}}
		})
		wantInvalid(t, err, "startsAt: wrong-type", "organiser.email: address-no-at")
	})
	t.Run("CannotBeCancelledFromTheStart", func(t *testing.T) {
		_, err := f.CreateEvent(f.ctx, anna, func(e deltag.Event) (deltag.Event, error) {
			e.Title, e.StartsAt, e.EndsAt = "Aldrig", now, now.Add(time.Hour)
			e.Organiser = deltag.Organiser{Name: "UKON", Email: "hej@example.dk"}
			e.Status = deltag.EventCancelled
			return e, nil
		})
		wantInvalid(t, err, "status: use-cancel")
	})
	t.Run("EndsWithAnotherErrorOfTheChange", func(t *testing.T) {
		unreadable := errors.New("unreadable")
		_, err := f.CreateEvent(f.ctx, anna, func(e deltag.Event) (deltag.Event, error) { return e, unreadable })
		wantError(t, err, unreadable)
	})
}

func TestEditEvent(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	edit := func(revisions []int, change organiser.EventChange) (deltag.Event, error) {
		e, _, err := f.EditEvent(f.ctx, anna, e.ID, revisions, change)
		return e, err
	}
	setCapacity := func(n int) organiser.EventChange {
		return func(e deltag.Event) (deltag.Event, error) { e.Capacity = &n; return e, nil }
	}
	t.Run("IsMadeAnewOnWhatSomebodyElseHasStored", func(t *testing.T) {
		tries := 0
		got, err := edit(organiser.AnyRevision, setTitle("Ny titel", func() {
			if tries++; tries == 1 {
				_, err := edit(organiser.AnyRevision, setCapacity(20))
				wantError(t, err, nil)
			}
		}))
		wantError(t, err, nil)
		wantEqual(t, tries, 2)
		wantEqual(t, []any{got.Title, *got.Capacity, got.Revision}, []any{"Ny titel", 20, 3})
	})
	t.Run("GivesUpWhenOthersKeepChangingTheEvent", func(t *testing.T) {
		tries := 0
		_, err := edit(organiser.AnyRevision, setTitle("Aldrig", func() {
			tries++
			_, err := edit(organiser.AnyRevision, setCapacity(20+tries))
			wantError(t, err, nil)
		}))
		wantError(t, err, deltag.ErrConflict)
		wantEqual(t, tries, 5)
	})
	t.Run("IsNotStoredWhenItChangesNothing", func(t *testing.T) {
		before, _, err := f.Event(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		got, counts, err := f.EditEvent(f.ctx, annaAt(now.Add(time.Hour)), e.ID, []int{before.Revision},
			setTitle(" "+before.Title+" ", func() {}))
		wantError(t, err, nil)
		wantEqual(t, got, before)
		wantEqual(t, counts, deltag.Counts{})
		after, _, err := f.Event(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		wantEqual(t, after, before) // another's If-Match still holds
	})
	t.Run("IsRefusedForAnotherRevisionThanExpected", func(t *testing.T) {
		for _, revisions := range [][]int{{1}, {1, 99}, {}} {
			_, err := edit(revisions, setTitle("Aldrig", func() { t.Error("the change was asked for") }))
			wantError(t, err, deltag.ErrStaleRevision)
		}
		stored, _, err := f.Event(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		_, err = edit([]int{1, stored.Revision}, setTitle("En titel", func() {}))
		wantError(t, err, nil)
	})
	t.Run("IsRefusedWhenTheExpectedRevisionIsOvertaken", func(t *testing.T) {
		stored, _, err := f.Event(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		_, err = edit([]int{stored.Revision}, setTitle("Aldrig", func() {
			_, err := edit(organiser.AnyRevision, setCapacity(50))
			wantError(t, err, nil)
		}))
		wantError(t, err, deltag.ErrStaleRevision)
	})
	t.Run("KeepsWhatOnlyTheSystemSets", func(t *testing.T) {
		got, err := edit(organiser.AnyRevision, func(e deltag.Event) (deltag.Event, error) {
			e.ID, e.Secret = "another", nil
			return e, nil
		})
		wantError(t, err, nil)
		wantEqual(t, got.ID, e.ID)
		wantEqual(t, got.Secret, e.Secret)
	})
}

func TestCancelEvent(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	f.addRegistration(e, "mette@example.dk")
	first, counts, err := f.CancelEvent(f.ctx, anna, e.ID)
	wantError(t, err, nil)
	wantEqual(t, first.Status, deltag.EventCancelled)
	wantEqual(t, counts, deltag.Counts{Confirmed: 1})

	again, _, err := f.CancelEvent(f.ctx, annaAt(now.Add(time.Hour)), e.ID)
	wantError(t, err, nil)
	wantEqual(t, again, first)
	_, _, err = f.EditEvent(f.ctx, anna, e.ID, organiser.AnyRevision, setTitle("Ny titel", func() {}))
	wantInvalid(t, err, "status: cancelled-is-final")
}

func TestSendNotice(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	_, _, err := f.SendNotice(f.ctx, anna, e.ID)
	wantInvalid(t, err, "notice: no-notice")

	e, _, err = f.EditEvent(f.ctx, anna, e.ID, organiser.AnyRevision, setTitle("Ny titel", func() {}))
	wantError(t, err, nil)
	at := now.Add(time.Minute)
	_, _, err = f.SendNotice(f.ctx, annaAt(at), e.ID)
	wantError(t, err, nil)
	m, err := f.store.Mailing(f.ctx, e.NoticeMailingKey())
	wantError(t, err, nil)
	wantEqual(t, m.NextRunAt, at)
	_, _, err = f.SendNotice(f.ctx, annaAt(at), e.ID)
	wantInvalid(t, err, "notice: no-notice")
}

func TestCloneEvent(t *testing.T) {
	f := newFixture(t)
	midnight := time.Date(2027, 2, 28, 23, 30, 0, 0, time.UTC) // 1 March in Copenhagen
	for name, c := range map[string]struct{ slug, want string }{
		"HasTheLocalDateInItsSlug":    {"tank", "tank-2027-03-01"},
		"CutsALongSlug":               {strings.Repeat("a", 60), strings.Repeat("a", 49) + "-2027-03-01"},
		"LeavesNoDoubleHyphen":        {strings.Repeat("b", 48) + "-b", strings.Repeat("b", 48) + "-2027-03-01"},
		"KeepsASlugThatJustFits":      {strings.Repeat("c", 49), strings.Repeat("c", 49) + "-2027-03-01"},
		"CutsASlugThatIsOneTooLong":   {strings.Repeat("d", 50), strings.Repeat("d", 49) + "-2027-03-01"},
		"KeepsTheDateOfAnEarlierCopy": {"e-2026-12-01", "e-2026-12-01-2027-03-01"},
	} {
		t.Run(name, func(t *testing.T) {
			e := f.newEvent(func(e *deltag.Event) { e.Slug = c.slug })
			got, err := f.CloneEvent(f.ctx, anna, e.ID, organiser.Clone{StartsAt: midnight})
			wantError(t, err, nil)
			wantEqual(t, got.Slug, c.want)
			wantEqual(t, got.Status, deltag.EventDraft)
			wantEqual(t, got.EndsAt, midnight.Add(time.Hour))
			_, err = f.CloneEvent(f.ctx, anna, e.ID, organiser.Clone{StartsAt: midnight})
			wantError(t, err, deltag.ErrSlugTaken)
		})
	}
	t.Run("TakesATitleAndASlug", func(t *testing.T) {
		e := f.newEvent(nil)
		title, slug := "Igen", "igen"
		in := organiser.Clone{StartsAt: midnight, Title: &title, Slug: &slug}
		got, err := f.CloneEvent(f.ctx, anna, e.ID, in)
		wantError(t, err, nil)
		wantEqual(t, []string{got.Title, got.Slug}, []string{title, slug})
		_, err = f.CloneEvent(f.ctx, anna, e.ID, organiser.Clone{})
		wantInvalid(t, err, "startsAt: missing")
	})
}
