package organiser

import (
	"context"
	"errors"
	"slices"

	"deltag/internal/deltag"
)

// An EditPreview says what an edit, or cancelling, would do.
type EditPreview struct {
	Before, After deltag.Event
	// Notice is the mail to all that it would send. Nil, or with nobody Expected: nobody is told.
	Notice *deltag.TimelineEntry
	// Promotions is how many would be given a seat from the waitlist, each with a mail.
	Promotions int
}

// Mails says whether somebody would be written to.
func (p EditPreview) Mails() bool {
	return p.Promotions > 0 || p.Notice != nil && p.Notice.Expected > 0
}

// PreviewEdit is what EditEvent would do now, by the same rules, and writes nothing. Errors as EditEvent.
func (s *Service) PreviewEdit(
	ctx context.Context, by Caller, id string, revisions []int, change EventChange,
) (EditPreview, error) {
	return s.preview(ctx, by, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		return editEvent(e, by.Now, revisions, change)
	})
}

// PreviewCancel is what CancelEvent would do now. ErrEventIsCancelled.
func (s *Service) PreviewCancel(ctx context.Context, by Caller, id string) (EditPreview, error) {
	return s.preview(ctx, by, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		return e.Cancel(by.Now)
	})
}

func (s *Service) preview(
	ctx context.Context, by Caller, id string,
	edit func(deltag.Event) (deltag.Event, deltag.MailingChanges, error),
) (EditPreview, error) {
	e, err := s.eventToEdit(ctx, by, id)
	if err != nil {
		return EditPreview{}, err
	}
	next, changes, err := edit(e)
	if err != nil {
		return EditPreview{Before: e}, err
	}
	p := EditPreview{Before: e, After: next}
	i := slices.IndexFunc(changes.Upserts, func(m deltag.Mailing) bool {
		return m.Kind.IsChangeNotice() || m.Kind == deltag.KindEventCancelled
	})
	counts, err := s.Store.Counts(ctx, e)
	p.Promotions = next.Promotions(counts, by.Now) - e.Promotions(counts, by.Now)
	if i >= 0 {
		entry := changes.Upserts[i].TimelineEntry(next, counts, by.Now)
		p.Notice = &entry
	}
	return p, err
}

// maxCopies is how many copies of an event may have the same date.
const maxCopies = 20

// CopyEvent stores a draft of the same event on the same weekday and at the same time, in the first week that is ahead and
// has no copy yet. Repeating it makes another copy, a week later.
func (s *Service) CopyEvent(ctx context.Context, by Caller, id string) (deltag.Event, error) {
	e, err := s.eventToEdit(ctx, by, id)
	if err != nil {
		return e, err
	}
	startsAt := e.StartsAt.In(e.Zone())
	for copies := 0; copies < maxCopies; {
		startsAt = startsAt.AddDate(0, 0, 7) // at the same time of day, also when the clocks change
		if !startsAt.After(by.Now) {
			continue
		}
		copied, err := s.CloneEvent(ctx, by, id, Clone{StartsAt: startsAt})
		if !errors.Is(err, deltag.ErrSlugTaken) {
			return copied, err
		}
		copies++
	}
	return e, deltag.ErrSlugTaken
}

// PreviewEvent is what EditEvent would make of an event, or, without an id, CreateEvent of a new one. It writes nothing.
// With ValidationErrors it comes as far as what can be read of the change.
func (s *Service) PreviewEvent(ctx context.Context, by Caller, id string, change EventChange) (EditPreview, error) {
	if err := by.requireEdit(); err != nil {
		return EditPreview{}, err
	}
	before := NewEvent()
	if id != "" {
		var err error
		if before, err = s.Store.Event(ctx, id); err != nil {
			return EditPreview{}, err
		}
	}
	after, err := applyChange(before, change)
	return EditPreview{Before: before, After: after}, err
}
