package organiser

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// An EventChange applies what an organiser has sent in to an event. It is called again, with the event as it is by
// then, when somebody else has changed it at the same time. ValidationErrors are reported together with those of the
// changed event; any other error ends the use case.
type EventChange func(deltag.Event) (deltag.Event, error)

// AnyRevision, as the revisions that an edit expects, is met by every event. An empty list is met by none.
var AnyRevision []int

// NewEvent is an event with everything that an organiser may leave out.
func NewEvent() deltag.Event {
	return deltag.Event{
		Language:       deltag.LanguageDanish,
		TimeZone:       "Europe/Copenhagen",
		HasWaitlist:    true,
		Verify:         deltag.VerifyAuto,
		RetentionDays:  30,
		ScheduledMails: deltag.DefaultScheduledMails(),
		Organiser:      deltag.Organiser{ReceivesDigest: true},
		Status:         deltag.EventOpen,
	}
}

// Events is a page of all events, the earliest start first. ValidationErrors for a bad cursor; UnreadableError for events
// that the page lacks.
func (s *Service) Events(ctx context.Context, by Caller, cursor string, limit int) (Page[deltag.Event], error) {
	if err := by.requireRead(); err != nil {
		return Page[deltag.Event]{}, err
	}
	events, next, err := s.Store.Events(ctx, cursor, limit)
	return Page[deltag.Event]{events, next}, err
}

// An EventSummary is an event in a list.
type EventSummary struct {
	deltag.Event
	Counts deltag.Counts
}

// maxCurrent is more events than a small organisation ever has ahead of it, and maxPast a page of those that are over.
const (
	maxCurrent = 50
	maxPast    = 20
)

// CurrentEvents lists the events that are not over, drafts too, the earliest start first, with their counts.
// UnreadableError as Events.
func (s *Service) CurrentEvents(ctx context.Context, by Caller) ([]EventSummary, error) {
	if err := by.requireRead(); err != nil {
		return nil, err
	}
	events, err := s.Store.CurrentEvents(ctx, by.Now, maxCurrent)
	if err != nil && !deltag.IsUnreadable(err) {
		return nil, err
	}
	all, countErr := s.summaries(ctx, events)
	return all, cmp.Or(countErr, err)
}

// PastEvents lists a page of the events that are over, the latest start first, with their counts. Errors as Events.
func (s *Service) PastEvents(ctx context.Context, by Caller, cursor string) (Page[EventSummary], error) {
	if err := by.requireRead(); err != nil {
		return Page[EventSummary]{}, err
	}
	events, next, err := s.Store.PastEvents(ctx, by.Now, cursor, maxPast)
	if err != nil && !deltag.IsUnreadable(err) {
		return Page[EventSummary]{}, err
	}
	items, countErr := s.summaries(ctx, events)
	return Page[EventSummary]{items, next}, cmp.Or(countErr, err)
}

// summaries reads the counts of events side by side.
func (s *Service) summaries(ctx context.Context, events []deltag.Event) ([]EventSummary, error) {
	all := make([]EventSummary, len(events))
	var reads errgroup.Group
	for i, e := range events {
		reads.Go(func() (err error) {
			all[i].Event = e
			all[i].Counts, err = s.Store.Counts(ctx, e)
			return err
		})
	}
	return all, reads.Wait()
}

// Event reads an event with its counts.
func (s *Service) Event(ctx context.Context, by Caller, id string) (deltag.Event, deltag.Counts, error) {
	e, err := s.eventToRead(ctx, by, id)
	if err != nil {
		return e, deltag.Counts{}, err
	}
	c, err := s.Store.Counts(ctx, e)
	return e, c, err
}

// CreateEvent stores what change makes of NewEvent, and plans its mail. Without a slug it gets one made of its title, and
// without an id a random one. ValidationErrors; ErrSlugTaken. Repeating it with an id changes nothing; without one the slug
// is taken then.
func (s *Service) CreateEvent(ctx context.Context, by Caller, change EventChange) (deltag.Event, error) {
	if err := by.requireEdit(); err != nil {
		return deltag.Event{}, err
	}
	e, err := applyChange(NewEvent(), change)
	if err != nil {
		return e, err
	}
	if e.Status == deltag.EventCancelled {
		return e, deltag.ErrUseCancel
	}
	return s.createEvent(ctx, by, e, deltag.AuditEventCreated)
}

// createEvent gives e what no organiser sets, and stores it.
func (s *Service) createEvent(
	ctx context.Context, by Caller, e deltag.Event, action deltag.AuditAction,
) (deltag.Event, error) {
	var err error
	if e.ID == "" {
		if e.ID, err = deltag.NewID(s.Random); err != nil {
			return deltag.Event{}, err
		}
	}
	if e.Secret, err = deltag.NewSecret(s.Random); err != nil {
		return deltag.Event{}, err
	}
	e, mailings := e.WithInitialState(by.Now)
	ctx = by.record(ctx, deltag.AuditEntry{Action: action, EventID: e.ID, Subject: e.Title})
	err = s.Store.CreateEvent(ctx, e, mailings)
	if errors.Is(err, deltag.ErrConflict) { // an earlier try may have stored it
		if stored, readErr := s.Store.Event(ctx, e.ID); readErr == nil {
			return stored, nil
		}
	}
	return e, err
}

// EditEvent changes an event and plans the mail about it; see deltag.Event.Edit. If revisions is not AnyRevision,
// the stored event must have one of them: ErrStaleRevision. What changes nothing stores nothing, so that the revision stays.
// Repeating the same edit mails nobody again. ValidationErrors; ErrSlugTaken; ErrConflict when others kept changing the event.
func (s *Service) EditEvent(
	ctx context.Context, by Caller, id string, revisions []int, change EventChange,
) (deltag.Event, deltag.Counts, error) {
	return s.updateEvent(ctx, by, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		next, mailings, err := editEvent(e, by.Now, revisions, change)
		if err == nil && len(e.ChangedFields(next)) == 0 {
			return e, mailings, errUnchanged
		}
		return next, mailings, err
	}, deltag.AuditEventEdited)
}

func editEvent(
	e deltag.Event, now time.Time, revisions []int, change EventChange,
) (deltag.Event, deltag.MailingChanges, error) {
	if revisions != nil && !slices.Contains(revisions, e.Revision) {
		return e, deltag.MailingChanges{}, deltag.ErrStaleRevision
	}
	next, err := applyChange(e, change)
	if err != nil {
		return e, deltag.MailingChanges{}, err
	}
	return e.Edit(next, now)
}

// CancelEvent cancels an event for good, and plans the mail that says so. Repeating it is harmless.
func (s *Service) CancelEvent(ctx context.Context, by Caller, id string) (deltag.Event, deltag.Counts, error) {
	return s.updateEvent(ctx, by, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		if e.Status == deltag.EventCancelled {
			return e, deltag.MailingChanges{}, errUnchanged
		}
		return e.Cancel(by.Now)
	}, deltag.AuditEventCancelled)
}

// DeleteEvent deletes an event that nobody ever signed up for, with all its mail. ErrHasSignUps: somebody has, and maybe has
// cancelled or was erased since; then CancelEvent tells everybody. Repeating it is harmless for some minutes; later it is
// ErrNotFound.
func (s *Service) DeleteEvent(ctx context.Context, by Caller, id string) error {
	e, err := s.eventToEdit(ctx, by, id)
	switch {
	case err == nil:
		ctx = by.record(ctx, deltag.AuditEntry{Action: deltag.AuditEventDeleted, EventID: id, Subject: e.Title})
	case !errors.Is(err, deltag.ErrNotFound): // it may have been deleted a moment ago
		return err
	}
	return s.Store.DeleteEvent(ctx, id, by.Now)
}

// MayDeleteEvent says whether DeleteEvent would delete an event now.
func (s *Service) MayDeleteEvent(ctx context.Context, by Caller, id string) (deltag.Event, bool, error) {
	e, err := s.eventToEdit(ctx, by, id)
	if err != nil {
		return e, false, err
	}
	unused, err := s.Store.IsUnused(ctx, id)
	return e, unused, err
}

// SendNotice sends the mail about the latest edits now, instead of waiting for further edits.
// deltag.ErrNoPendingNotice, also when it is repeated.
func (s *Service) SendNotice(ctx context.Context, by Caller, id string) (deltag.Event, deltag.Counts, error) {
	return s.updateEvent(ctx, by, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		notice, err := s.Store.Mailing(ctx, e.NoticeMailingKey())
		if errors.Is(err, deltag.ErrNotFound) {
			err = deltag.ErrNoPendingNotice
		}
		if err != nil {
			return e, deltag.MailingChanges{}, err
		}
		return e.SendNoticeNow(notice, by.Now)
	}, deltag.AuditNoticeSent)
}

// errUnchanged ends updateEvent without a write: the event is already as it should be.
var errUnchanged = errors.New("nothing to change")

// updateEvent edits the event as it is stored, for a principal who may, and returns it as it is then, with its counts.
func (s *Service) updateEvent(
	ctx context.Context, by Caller, id string,
	edit func(deltag.Event) (deltag.Event, deltag.MailingChanges, error), action deltag.AuditAction,
) (deltag.Event, deltag.Counts, error) {
	var e deltag.Event
	if err := by.requireEdit(); err != nil {
		return e, deltag.Counts{}, err
	}
	err := deltag.RetryOnConflict(func() error {
		stored, err := s.Store.Event(ctx, id)
		if err != nil {
			return err
		}
		var mailings deltag.MailingChanges
		if e, mailings, err = edit(stored); err != nil {
			return err
		}
		return s.Store.UpdateEvent(by.recordEdit(ctx, action, stored, e), e, mailings)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return e, deltag.Counts{}, err
	}
	c, err := s.Store.Counts(ctx, e)
	return e, c, err
}

// recordEdit is record for a change of an event. An edit names the fields that it changes.
func (c Caller) recordEdit(
	ctx context.Context, action deltag.AuditAction, before, after deltag.Event,
) context.Context {
	entry := deltag.AuditEntry{Action: action, EventID: after.ID, Subject: after.Title}
	if action != deltag.AuditEventEdited {
		return c.record(ctx, entry)
	}
	entry.Details = before.ChangedFields(after)
	switch {
	case slices.Equal(entry.Details, []string{"status"}) && after.Status == deltag.EventOpen:
		entry.Action, entry.Details = deltag.AuditEventOpened, nil
	case slices.Equal(entry.Details, []string{"status"}) && after.Status == deltag.EventClosed:
		entry.Action, entry.Details = deltag.AuditEventClosed, nil
	}
	return c.record(ctx, entry)
}

// A Clone says in what a copy differs from its event.
type Clone struct {
	Slug     *string   // nil: made of the event's own and the date
	StartsAt time.Time // the length stays
	Title    *string   // nil: stays
}

// CloneEvent stores a draft of the same event at another time. Registrations are not copied. ValidationErrors;
// ErrSlugTaken, also when it is repeated.
func (s *Service) CloneEvent(ctx context.Context, by Caller, id string, in Clone) (deltag.Event, error) {
	e, err := s.eventToEdit(ctx, by, id)
	if err != nil {
		return e, err
	}
	c := e.Clone(in.StartsAt.UTC())
	c.Title = valueOr(in.Title, c.Title)
	c.Slug = valueOr(in.Slug, cloneSlug(e, in.StartsAt))
	if err := c.Validate(); err != nil {
		return e, err
	}
	return s.createEvent(ctx, by, c, deltag.AuditEventCopied)
}

// cloneSlug is e's slug with the date of the copy behind it, cut so that both fit into a slug.
func cloneSlug(e deltag.Event, startsAt time.Time) string {
	date := "-" + startsAt.In(e.Zone()).Format(time.DateOnly)
	return strings.TrimRight(e.Slug[:min(len(e.Slug), maxSlug-len(date))], "-") + date
}

// maxSlug is the longest slug that deltag.Event.Validate takes, in characters.
const maxSlug = 60

// Slug makes a slug of a title in Danish or English.
func Slug(title string) string {
	latin := strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa", "ä", "ae", "ö", "oe", "ü", "u", "é", "e")
	words := strings.FieldsFunc(latin.Replace(strings.ToLower(title)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	slug := strings.Join(words, "-")
	return strings.Trim(slug[:min(len(slug), maxSlug)], "-")
}

// applyChange makes the changed event and checks it. Its ValidationErrors are everything that is wrong, one for a
// field.
func applyChange(e deltag.Event, change EventChange) (deltag.Event, error) {
	next, err := change(e)
	invalid, ok := err.(deltag.ValidationErrors) // not errors.As: an error that only wraps some is another error
	if err != nil && !ok {
		return e, err
	}
	next.Slug = strings.TrimSpace(next.Slug)
	next.Title = strings.TrimSpace(next.Title)
	next.Organiser.Name = strings.TrimSpace(next.Organiser.Name)
	slugIsMade := next.Slug == ""
	if slugIsMade {
		next.Slug = Slug(next.Title)
	}
	if next.Organiser.Email != e.Organiser.Email {
		a, err := address.Parse(next.Organiser.Email)
		for _, f := range fieldErrors(err) {
			f.Field = "organiser." + f.Field
			invalid = append(invalid, f)
		}
		next.Organiser.Email = a.ASCII()
	}
	known := invalid
	faults := append(fieldErrors(next.Validate()), next.CheckPlaceholders(e)...)
	for _, f := range faults {
		isOfTitle := f.Field == "slug" && slugIsMade && faults.ForField("title") != nil
		if known.ForField(f.Field) == nil && !isOfTitle {
			invalid = append(invalid, f)
		}
	}
	return next, invalid.Err()
}
