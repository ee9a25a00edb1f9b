package dynamo

import (
	"context"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// digestItem is the daily task of telling the organiser how an event is coming along, with what the last one told.
type digestItem struct {
	Confirmed, Waitlisted int
}

// putDigestTask makes the digest after t due, if there is one. What the last one told stays.
func (tx *transaction) putDigestTask(e deltag.Event, t time.Time) {
	tx.Update(key(eventPK(e.ID), digestSK), nextDigest(e, t, nil), always)
}

// nextDigest moves the task to the digest after t, or out of the due index, and sets what was told, unless that is nil.
func nextDigest(e deltag.Event, t time.Time, told *deltag.Counts) expression {
	var set []string
	var values item
	if told != nil {
		set = append(set, "Confirmed = :confirmed", "Waitlisted = :waitlisted")
		values = item{":confirmed": avNumber(told.Confirmed), ":waitlisted": avNumber(told.Waitlisted)}
	}
	next, remove := e.DigestDueAfter(t), ""
	if next.IsZero() {
		remove = " REMOVE GSI1PK, GSI1SK"
	} else {
		set = append(set, "GSI1PK = :bulk", "GSI1SK = :next")
		values = merge(values, item{":bulk": avString(dueBulkPK), ":next": avTime(next)})
	}
	text := ""
	if len(set) > 0 {
		text = "SET " + strings.Join(set, ", ")
	}
	return expression{text: text + remove, values: values}
}

// TellDigest puts the digest of an event into the organiser's note of the morning, if there is something new, and makes
// the next one due. Nothing happens before it is due. Errors: ErrConflict (somebody else does so at the same time).
// Repeating it changes nothing. If the function dies
//
//	before the note is opened   the task stays due
//	before the transaction      so it does, and an empty note waits for it: if that goes out first, it is skipped
//	after the transaction       the note has what was counted; the task is due the next day
func (s *Store) TellDigest(ctx context.Context, eventID string, now time.Time) error {
	task, err := s.get(ctx, key(eventPK(eventID), digestSK))
	if err != nil {
		return ignoreNotFound(err)
	}
	due, err := dueTime(task)
	if err != nil || due.IsZero() || now.Before(due) {
		return err
	}
	e, err := s.Event(ctx, eventID)
	if isNotFound(err) {
		return s.deleteAll(ctx, task)
	}
	if err != nil {
		return err
	}
	last, err := decode[digestItem](task)
	if err != nil {
		return err
	}
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return err
	}
	tx := s.begin()
	asRead := expression{text: "GSI1SK = :due", values: item{":due": task["GSI1SK"]}}
	digest := deltag.NewDigest(e, deltag.Counts{Confirmed: last.Confirmed, Waitlisted: last.Waitlisted}, counts, now)
	if digest != nil && e.Status != deltag.EventCancelled {
		note, err := s.openNote(ctx, e, due.AddDate(0, 0, -1)) // that of the day before, which goes out in the morning
		if err != nil {
			return err
		}
		note.Digest = digest
		note.Revision = max(1, note.Revision) + 1
		tx.Put(encodeDelivery(note), condPreviousDelivery(note))
	}
	tx.Update(keyOf(task), nextDigest(e, now, &counts), asRead)
	return tx.Commit(ctx)
}
