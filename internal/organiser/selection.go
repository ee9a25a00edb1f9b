package organiser

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// A Selection is the attendees of an event that an organiser has picked: one by one, or all that a query picks.
type Selection struct {
	IDs   []string
	All   bool          // those of Query, and not of IDs
	Query AttendeeQuery // its order and cursor mean nothing here
}

// name tells selections apart. It names what was picked, and not who that is: those who match a query may be others when a
// request is repeated.
func (sel Selection) name() string {
	if sel.All {
		sel.IDs, sel.Query.Sort, sel.Query.Cursor = nil, "", ""
	} else {
		sel.IDs, sel.Query = unique(sel.IDs), AttendeeQuery{}
	}
	text, err := json.Marshal(sel)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(text)
}

// hasJoinedSince says whether r has signed up, or got its seat or place, after a time.
func hasJoinedSince(r deltag.Registration, at time.Time) bool {
	return r.RegisteredAt.After(at) || r.ConfirmedAt.After(at) || r.WaitlistedAt.After(at)
}

// MayWriteTo says whether a message may go to a, who is selected. Who has cancelled is written to only if the organiser
// has asked for them.
func (sel Selection) MayWriteTo(a deltag.Attendee) bool {
	asked := !sel.All || sel.Query.Status == deltag.RegistrationCancelled && !sel.Query.excludes("status")
	return a.MayBeWrittenTo() && (asked || a.Status != deltag.RegistrationCancelled)
}

// mayGetConfirmation says whether a has a seat or a place, and an address that takes mail.
func mayGetConfirmation(a deltag.Attendee) bool {
	return (a.Status == deltag.RegistrationConfirmed || a.Status == deltag.RegistrationWaitlisted) &&
		a.AddressStatus != deltag.AddressBounced && a.AddressStatus != deltag.AddressComplained
}

// Selected reads who is selected, sorted by name as far as ExportAttendees sorts. Those who are gone are left out.
// ValidationErrors for the query.
func (s *Service) Selected(
	ctx context.Context, by Caller, eventID string, sel Selection,
) (deltag.Event, iter.Seq2[deltag.Attendee, error], error) {
	if sel.All {
		q := sel.Query
		q.Cursor, q.Sort = "", SortName
		return s.ExportAttendees(ctx, by, eventID, q, ExportPart{})
	}
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, nil, err
	}
	registrations, err := s.Store.RegistrationsByID(ctx, eventID, unique(sel.IDs))
	var all []deltag.Attendee
	for _, r := range registrations {
		all = append(all, r.Attendee())
	}
	return e, withoutError(SortName.sorted(all)), err
}

func unique(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// A SelectionSummary is how many are selected, and how many of them each change is for.
type SelectionSummary struct {
	Selected    int
	Cancellable int // have a seat or a place
	Unverified  int // are erased when they are cancelled
	Resendable  int // can get their confirmation again
}

// SummariseSelection counts. ValidationErrors for the query.
func (s *Service) SummariseSelection(
	ctx context.Context, by Caller, eventID string, sel Selection,
) (e deltag.Event, sum SelectionSummary, err error) {
	e, attendees, err := s.Selected(ctx, by, eventID, sel)
	if err != nil {
		return e, sum, err
	}
	for a, err := range attendees {
		if err != nil {
			return e, sum, err
		}
		sum.Selected++
		switch a.Status {
		case deltag.RegistrationConfirmed, deltag.RegistrationWaitlisted:
			sum.Cancellable++
		case deltag.RegistrationUnverified:
			sum.Unverified++
		}
		if mayGetConfirmation(a) {
			sum.Resendable++
		}
	}
	return e, sum, nil
}

// A Portion is as much of a change of a selection as fits into a request.
type Portion struct {
	// AskedAt is when the organiser was told whom the change is for. What has happened to somebody since is left as it is:
	// so a change that is repeated, with the same time, does nothing more, and reaches nobody who came later.
	AskedAt time.Time
	After   string      // Next of the portion before, "" for the first
	HasTime func() bool // is asked after every few people
}

// A SelectionProgress is what a portion has done. It is good also beside an error: Next goes on from there. Beside an
// UnreadableError the portion is complete but for those who, or whose mails, can't be read.
type SelectionProgress struct {
	Changed int
	Failed  int    // others kept changing them
	Next    string // "": all are done
}

// CancelSelected cancels the registrations of a selection, as EditRegistration does each.
func (s *Service) CancelSelected(
	ctx context.Context, by Caller, eventID string, sel Selection, p Portion,
) (SelectionProgress, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return SelectionProgress{}, err
	}
	// Those who wait come first: they would get the seats of the others, and mails about them.
	waits := func(r deltag.Registration) bool { return r.Status == deltag.RegistrationWaitlisted }
	others := func(r deltag.Registration) bool { return !waits(r) }
	cancelled := deltag.RegistrationCancelled
	return s.eachSelected(ctx, e, sel, p, []stage{waits, others}, func(r deltag.Registration) (bool, error) {
		if r.Status == cancelled || hasJoinedSince(r, p.AskedAt) {
			return false, nil
		}
		_, _, err := s.EditRegistration(ctx, by, e.ID, r.ID, RegistrationEdit{Status: &cancelled})
		return err == nil, err
	})
}

// ResendToSelected sends those of a selection who have a seat or a place the mail that says so once more. It leaves out
// addresses that bounced or complained, and whoever has been sent such a mail since it was asked for.
func (s *Service) ResendToSelected(
	ctx context.Context, by Caller, eventID string, sel Selection, p Portion,
) (SelectionProgress, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return SelectionProgress{}, err
	}
	everybody := func(deltag.Registration) bool { return true }
	return s.eachSelected(ctx, e, sel, p, []stage{everybody}, func(r deltag.Registration) (bool, error) {
		if !mayGetConfirmation(r.Attendee()) || !r.LastMailedAt.Before(p.AskedAt) {
			return false, nil
		}
		latest, err := s.latestStatusMail(ctx, r)
		if err != nil || latest.IsActive() { // it is on its way
			return false, err
		}
		ctx := by.record(ctx, deltag.AuditEntry{
			Action: deltag.AuditMailResent, EventID: e.ID, RegistrationID: r.ID, Details: []string{string(latest.Kind)},
		})
		err = s.Store.Resend(ctx, e, r, latest, by.Now)
		return err == nil, err
	})
}

// latestStatusMail is the latest mail that told r its status. One who was added without any gets the first now.
func (s *Service) latestStatusMail(ctx context.Context, r deltag.Registration) (deltag.Delivery, error) {
	all, err := s.Store.DeliveriesOf(ctx, r.EventID, r.ID)
	for _, d := range all {
		if d.Kind.IsTransactional() && d.DetachedRecipient == nil && d.Version == r.MailVersion {
			return d, err
		}
	}
	none := deltag.NewDelivery(r, deltag.KindConfirmation, r.MailVersion, r.LastMailedAt)
	none.Status = deltag.DeliverySkipped
	return none, err
}

// A stage is a part of a selection that is changed before the next one is.
type stage func(deltag.Registration) bool

// maxParallelChanges is how many people are changed at the same time: what the table takes without holding up sign-ups.
const maxParallelChanges = 8

// eachSelected calls change with those who are selected, stage by stage in the order of their ids. change returns whether
// it has changed something.
func (s *Service) eachSelected(
	ctx context.Context, e deltag.Event, sel Selection, p Portion, stages []stage,
	change func(deltag.Registration) (bool, error),
) (done SelectionProgress, err error) {
	if err := sel.Query.validate(e); err != nil {
		return done, err
	}
	match := sel.Query.matcher(e)
	var unreadable deltag.UnreadableError
	defer func() { err = cmp.Or(err, unreadable.Err()) }()
	for n, after := parsePortionCursor(p.After, len(stages)); n < len(stages); n, after = n+1, "" {
		for more := true; more; {
			page, last, err := s.registrationsToChange(ctx, e, sel, after)
			var leftOut deltag.UnreadableError
			if errors.As(err, &leftOut) {
				if n == len(stages)-1 { // each stage reads them
					unreadable = append(unreadable, leftOut...)
				}
				err = nil
			}
			if err != nil {
				done.Next = portionCursor(n, after)
				return done, err
			}
			page = slices.DeleteFunc(page, func(r deltag.Registration) bool {
				return !stages[n](r) || sel.All && !match.matches(r.Attendee())
			})
			for few := range slices.Chunk(page, maxParallelChanges) {
				err := done.changeAll(few, &unreadable, change)
				if err == nil {
					after = few[len(few)-1].ID
				}
				if err != nil || !p.HasTime() {
					done.Next = portionCursor(n, after)
					return done, err
				}
			}
			if after, more = last, last != ""; more && !p.HasTime() {
				done.Next = portionCursor(n, after)
				return done, nil
			}
		}
	}
	return done, nil
}

// changeAll changes some people side by side. It adds what can't be read to unreadable.
func (done *SelectionProgress) changeAll(
	few []deltag.Registration, unreadable *deltag.UnreadableError, change func(deltag.Registration) (bool, error),
) error {
	var mu sync.Mutex
	var changes errgroup.Group
	for _, r := range few {
		changes.Go(func() error {
			changed, err := change(r)
			mu.Lock()
			defer mu.Unlock()
			var leftOut deltag.UnreadableError
			switch {
			case errors.As(err, &leftOut):
				*unreadable = append(*unreadable, leftOut...)
				return nil
			case changed:
				done.Changed++
			case errors.Is(err, deltag.ErrConflict):
				done.Failed++
				return nil
			case errors.Is(err, deltag.ErrNotFound): // erased, or at another address, which is another registration
				return nil
			}
			return err
		})
	}
	return changes.Wait()
}

// registrationsPerPage is how many are read at a time: few enough that reading takes a small part of a portion's time.
const registrationsPerPage = 200

// registrationsToChange reads the next of those who may be selected, and behind whom the next page begins, "" at the end.
// UnreadableError: those are left out.
func (s *Service) registrationsToChange(
	ctx context.Context, e deltag.Event, sel Selection, after string,
) (page []deltag.Registration, last string, err error) {
	if sel.All {
		return s.Store.RegistrationsAfter(ctx, e.ID, after, registrationsPerPage)
	}
	ids := slices.DeleteFunc(unique(sel.IDs), func(id string) bool { return id <= after })
	if len(ids) > registrationsPerPage {
		ids = ids[:registrationsPerPage]
		last = ids[len(ids)-1]
	}
	page, err = s.Store.RegistrationsByID(ctx, e.ID, ids)
	slices.SortFunc(page, func(a, b deltag.Registration) int { return cmp.Compare(a.ID, b.ID) })
	return page, last, err
}

// portionCursor is a stage, as a letter from a on, and the id that it has come to.
func portionCursor(stage int, after string) string { return string(rune('a'+stage)) + after }

// parsePortionCursor is the inverse. What is none begins at the beginning, which is harmless.
func parsePortionCursor(cursor string, stages int) (stage int, after string) {
	if cursor == "" || int(cursor[0])-'a' >= stages || cursor[0] < 'a' {
		return 0, ""
	}
	if after = cursor[1:]; !deltag.IsID(after) {
		after = ""
	}
	return int(cursor[0] - 'a'), after
}
