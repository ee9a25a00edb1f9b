package organiser_test

import (
	"errors"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// TestPreviewEdit: it says what the edit does, and writes nothing.
func TestPreviewEdit(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	f.addRegistration(e, "mette@example.dk")
	later := func(e deltag.Event) (deltag.Event, error) {
		e.StartsAt, e.EndsAt = e.StartsAt.Add(time.Hour), e.EndsAt.Add(time.Hour)
		return e, nil
	}
	p, err := f.PreviewEdit(f.ctx, anna, e.ID, []int{e.Revision}, later)
	if err != nil || p.Notice == nil {
		t.Fatal(p, err)
	}
	wantEqual(t, []any{p.Notice.Kind, p.Notice.Expected, p.Notice.DueAt, p.Before.StartsAt, p.After.StartsAt},
		[]any{deltag.KindMoved, 1, anna.Now.Add(deltag.NoticeDebounce), e.StartsAt, e.StartsAt.Add(time.Hour)})
	stored, _, err := f.Event(f.ctx, anna, e.ID)
	if err != nil || stored.Revision != e.Revision {
		t.Error(stored.Revision, err)
	}
	_, err = f.PreviewEdit(f.ctx, anna, e.ID, []int{e.Revision + 1}, later)
	wantError(t, err, deltag.ErrStaleRevision)
	p, err = f.PreviewEdit(f.ctx, anna, e.ID, nil, func(e deltag.Event) (deltag.Event, error) {
		e.Description = "Kort."
		return e, nil
	})
	if err != nil || p.Notice != nil {
		t.Error(p.Notice, err)
	}
	p, err = f.PreviewEdit(f.ctx, anna, e.ID, nil, func(e deltag.Event) (deltag.Event, error) {
		e.Title = ""
		return e, nil
	})
	wantInvalid(t, err, "title: missing")
	wantEqual(t, p.Before.Title, e.Title) // for the form

	p, err = f.PreviewCancel(f.ctx, anna, e.ID)
	if err != nil || p.Notice == nil {
		t.Fatal(p, err)
	}
	wantEqual(t, []any{p.Notice.Kind, p.Notice.Expected}, []any{deltag.KindEventCancelled, 1})
	if _, _, err := f.CancelEvent(f.ctx, anna, e.ID); err != nil {
		t.Fatal(err)
	}
	_, err = f.PreviewCancel(f.ctx, anna, e.ID)
	wantInvalid(t, err, "status: cancelled-is-final")
}

// TestCopyEvent: at the same time of the same weekday, in the first week that has no copy yet.
func TestCopyEvent(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	first, err := f.CopyEvent(f.ctx, anna, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.CopyEvent(f.ctx, anna, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, []any{first.Status, first.StartsAt, second.StartsAt},
		[]any{deltag.EventDraft, e.StartsAt.AddDate(0, 0, 7), e.StartsAt.AddDate(0, 0, 14)})
	past := anna
	past.Now = e.StartsAt.AddDate(0, 0, 30)
	third, err := f.CopyEvent(f.ctx, past, e.ID)
	if err != nil || !third.StartsAt.After(past.Now) || third.StartsAt.Weekday() != e.StartsAt.Weekday() {
		t.Errorf("%v, %v", third.StartsAt, err)
	}
}

// TestPreviewEvent: it shows what would be stored, also while something is still wrong, and stores nothing.
func TestPreviewEvent(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	rename := func(title string) organiser.EventChange {
		return func(e deltag.Event) (deltag.Event, error) { e.Title = title; return e, nil }
	}
	p, err := f.PreviewEvent(f.ctx, anna, e.ID, rename(" Ny titel "))
	wantEqual(t, []any{p.Before.Title, p.After.Title, err}, []any{e.Title, "Ny titel", nil})
	p, err = f.PreviewEvent(f.ctx, anna, e.ID, rename("\x00"))
	wantInvalid(t, err, "title: bad-characters")
	wantEqual(t, []any{p.Before.Title, p.After.Description}, []any{e.Title, e.Description})
	stored, _, err := f.Event(f.ctx, anna, e.ID)
	wantEqual(t, []any{stored.Title, stored.Revision, err}, []any{e.Title, e.Revision, nil})
	p, err = f.PreviewEvent(f.ctx, anna, "", rename("Helt ny"))
	wantEqual(t, []any{p.Before.ID, p.After.Title, p.After.Slug}, []any{"", "Helt ny", "helt-ny"})
	if err == nil {
		t.Error("an event without times has no fault")
	}
	_, err = f.PreviewEvent(f.ctx, anna, "aaaaaaaaaaaaaaaaaaab", rename("x"))
	wantEqual(t, errors.Is(err, deltag.ErrNotFound), true)
}
