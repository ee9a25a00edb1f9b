package organiser

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// An AttendeePage is a page of the list of attendees.
type AttendeePage struct {
	Event     deltag.Event
	Counts    deltag.Counts // of all, whatever was asked for
	Attendees []deltag.Attendee
	Total     int          // how many the query picks
	Sort      AttendeeSort // "": in the order of their ids, which means nothing to people
	Next      string       // cursor of the following page, "" at the end
}

// attendeesPerPage is how many a page shows.
const attendeesPerPage = 50

// maxUnasked is up to how many registrations of an event a list is sorted without being asked. All have to be read for
// that. A longer list begins in the order of ids, in which the table has them: its first page takes one or two reads
// whatever the number. Whoever looks for somebody searches, and a press on a column's head sorts a list of any length.
const maxUnasked = 1000

// Attendees is a page of the attendees that q picks, sorted as it says. A registration that can't be read is an error:
// a list without it would pass for a whole one. ValidationErrors for what is wrong with the query.
func (s *Service) Attendees(ctx context.Context, by Caller, eventID string, q AttendeeQuery) (AttendeePage, error) {
	e, counts, err := s.Event(ctx, by, eventID)
	page := AttendeePage{Event: e, Counts: counts}
	if err == nil {
		err = q.validate(e)
	}
	if err != nil {
		return page, err
	}
	if q.Sort == "" && (q.IsFiltered() || all(counts) <= maxUnasked) {
		q.Sort = SortLatest
	}
	page.Sort = q.Sort
	after, err := openAttendeeCursor(e, q)
	if err != nil {
		return page, err
	}
	if q.Sort == "" {
		return s.unsortedPage(ctx, page, after)
	}
	top := topAttendees{matcher: q.matcher(e), after: after, limit: attendeesPerPage + 1}
	if err := s.eachPart(ctx, eventID, top.add); err != nil {
		return page, err
	}
	return page.fill(top.best(), top.total), nil
}

func all(c deltag.Counts) int { return c.Confirmed + c.Waitlisted + c.Cancelled + c.Unverified }

// fill shows those of all that there is room for.
func (page AttendeePage) fill(found []placedAttendee, total int) AttendeePage {
	page.Total = total
	if len(found) > attendeesPerPage {
		found = found[:attendeesPerPage]
		page.Next = attendeeCursor{found[len(found)-1].position, page.Sort}.seal(page.Event)
	}
	for _, a := range found {
		page.Attendees = append(page.Attendees, a.Attendee)
	}
	return page
}

// unsortedPage is a page in the order of ids.
func (s *Service) unsortedPage(ctx context.Context, page AttendeePage, after *position) (AttendeePage, error) {
	if after == nil {
		after = &position{}
	}
	registrations, _, err := s.Store.RegistrationsAfter(ctx, page.Event.ID, after.ID, attendeesPerPage+1)
	if err != nil {
		return page, err
	}
	var found []placedAttendee
	for _, r := range registrations {
		found = append(found, placedAttendee{position{ID: r.ID}, r.Attendee()})
	}
	return page.fill(found, all(page.Counts)), nil
}

// maxParallelParts is how many parts of a list are in memory at the same time.
const maxParallelParts = 2

// eachPart calls do with the parts of an event's list, some at the same time.
func (s *Service) eachPart(ctx context.Context, eventID string, do func([]deltag.Attendee)) error {
	var reads errgroup.Group
	reads.SetLimit(maxParallelParts)
	for part := range deltag.AttendeeParts {
		reads.Go(func() error {
			attendees, err := s.Store.Attendees(ctx, eventID, part)
			if err != nil {
				return err
			}
			do(attendees)
			return nil
		})
	}
	return reads.Wait()
}

// topAttendees are the first that match behind a position. Of all others it keeps the number.
type topAttendees struct {
	matcher
	after *position // nil: none is before
	limit int

	mu    sync.Mutex
	found []placedAttendee
	total int // that match, also before the position
}

func (t *topAttendees) add(part []deltag.Attendee) {
	total := 0
	var found []placedAttendee
	for _, a := range part {
		if !t.matches(a) {
			continue
		}
		total++
		p := placedAttendee{t.Sort.positionOf(a), a}
		if t.after == nil || p.position.compare(*t.after, t.Sort) > 0 {
			found = append(found, p)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += total
	t.found = t.first(append(t.found, found...))
}

// first is the first of all, in order.
func (t *topAttendees) first(all []placedAttendee) []placedAttendee {
	sortPlaced(all, t.Sort)
	if len(all) > t.limit {
		clear(all[t.limit:])
		all = all[:t.limit:t.limit]
	}
	return slices.Clone(all)
}

func (t *topAttendees) best() []placedAttendee { return t.found }

// ExportPart is a part of an export, from 1 to Of. The zero value is the whole.
type ExportPart struct{ Number, Of int }

// String is a part in an address, as in "2-of-6".
func (p ExportPart) String() string { return fmt.Sprintf("%d-of-%d", p.Number, p.Of) }

// FileName is what a file of the part is called, without its extension.
func (p ExportPart) FileName(e deltag.Event) string {
	if p.Of > 1 {
		return e.Slug + "-" + p.String()
	}
	return e.Slug
}

// ParseExportPart is the inverse of String; "" is the whole. ValidationErrors.
func ParseExportPart(text string) (p ExportPart, err error) {
	if text == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(text, "%d-of-%d", &p.Number, &p.Of); err != nil || p.String() != text {
		return p, deltag.ValidationErrors{{Field: "part", Code: "bad-parameter"}}
	}
	return p, nil
}

// maxSortedExport is up to how many registrations of an event an export is sorted, in memory. A longer one is in the
// order of ids, part by part: a spreadsheet sorts it in a moment.
const maxSortedExport = 10_000

// ExportAttendees reads all attendees that q picks, whatever its cursor. An error after the first part comes through
// the sequence and ends it: what was read until then is not the whole list. ValidationErrors for what is wrong with the
// query.
func (s *Service) ExportAttendees(
	ctx context.Context, by Caller, eventID string, q AttendeeQuery, part ExportPart,
) (deltag.Event, iter.Seq2[deltag.Attendee, error], error) {
	e, counts, err := s.Event(ctx, by, eventID)
	if err == nil {
		err = q.validate(e)
	}
	if err != nil {
		return e, nil, err
	}
	if part == (ExportPart{}) {
		part = ExportPart{1, 1}
	}
	if part.Number < 1 || part.Number > part.Of || part.Of > deltag.AttendeeParts {
		return e, nil, deltag.ValidationErrors{{Field: "part", Code: "bad-parameter"}}
	}
	from, to := deltag.AttendeeParts*(part.Number-1)/part.Of, deltag.AttendeeParts*part.Number/part.Of
	first, err := s.Store.Attendees(ctx, eventID, from)
	if err != nil {
		return e, nil, err
	}
	matches := q.matcher(e).matches
	picked := func(yield func(deltag.Attendee, error) bool) {
		part, err := first, error(nil)
		for n := from; ; {
			for _, a := range part {
				if matches(a) && !yield(a, nil) {
					return
				}
			}
			if n++; n == to {
				return
			}
			if part, err = s.Store.Attendees(ctx, eventID, n); err != nil {
				yield(deltag.Attendee{}, err)
				return
			}
		}
	}
	if q.Sort == "" || all(counts) > maxSortedExport {
		return e, picked, nil
	}
	sorted, err := collect(picked)
	return e, withoutError(q.Sort.sorted(sorted)), err
}

func collect(seq iter.Seq2[deltag.Attendee, error]) (all []deltag.Attendee, err error) {
	for a, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func withoutError(all []deltag.Attendee) iter.Seq2[deltag.Attendee, error] {
	return func(yield func(deltag.Attendee, error) bool) {
		for _, a := range all {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// maxExportRows is how many rows a file may have so that it fits into what Lambda answers, 4.4 MB of a file: a row of
// ten columns takes about 90 bytes, and the rest is for long answers.
const maxExportRows = 20_000

// ExportParts is how many files an export of so many registrations takes.
func ExportParts(registrations int) int {
	return min(max(1, (registrations+maxExportRows-1)/maxExportRows), deltag.AttendeeParts)
}
