package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// DueTasks lists up to limit tasks that are due at now, the longest overdue first. The index is eventually
// consistent: a task may be missing for a moment, or listed when it is done.
func (s *Store) DueTasks(ctx context.Context, now time.Time, limit int) ([]deltag.DueTask, error) {
	q := query{index: "GSI1", pk: duePK, from: "0", to: formatTime(now), limit: limit}
	tasks, _, err := decodePage(ctx, s, q, func(it item) (deltag.DueTask, error) {
		return ParseTask(stringAttr(it, "PK"), stringAttr(it, "SK"))
	})
	return tasks, err
}

// ParseTask reads the key of an item in the due index, as the index and the table's stream give it. It returns an
// error for any other key.
func ParseTask(pk, sk string) (deltag.DueTask, error) {
	eventID, ok := parseEventPK(pk)
	if !ok {
		return deltag.DueTask{}, fmt.Errorf("no task has the key %s", pk)
	}
	task := deltag.DueTask{EventID: eventID}
	prefix, rest := cutSortKey(sk)
	switch prefix {
	case promoteSK:
		task.Kind = deltag.TaskPromote
	case reconcileSK:
		task.Kind = deltag.TaskReconcile
	case eraseSK:
		task.Kind = deltag.TaskEraseEvent
	case purgeSK:
		task.Kind, task.RegistrationID, ok = deltag.TaskPurgeDeliveries, rest, deltag.IsID(rest)
	case deliverySK:
		task.Kind = deltag.TaskDelivery
		task.Delivery, ok = parseDeliveryKey(eventID, rest)
	case mailingSK:
		task.Kind = deltag.TaskMailing
		task.Mailing, ok = parseMailingKey(eventID, rest)
	default:
		ok = false
	}
	if !ok {
		return deltag.DueTask{}, fmt.Errorf("no task has the key %s", prefix)
	}
	return task, nil
}

// cutSortKey cuts a sort key behind its first #. One without # is all prefix.
func cutSortKey(sk string) (prefix, rest string) {
	if i := strings.IndexByte(sk, '#'); i >= 0 {
		return sk[:i+1], sk[i+1:]
	}
	return sk, ""
}

// putPromoteTask belongs in the transaction that may free a seat: the seat is then given on even if the function dies
// before it does so itself.
func (tx *transaction) putPromoteTask(eventID string, now time.Time) {
	task := newTask(eventID, promoteSK, now)
	task["Nonce"] = avString(rand.Text()) // differs for two tasks put at the same time
	tx.Put(task, always)
}

// putEraseTask is due when the event's retention period ends.
func (tx *transaction) putEraseTask(e deltag.Event) {
	tx.Put(newTask(e.ID, eraseSK, e.RetentionEndsAt()), always)
}

// putPurgeTasks is for the deliveries of former registration ids, which contain their addresses.
func (tx *transaction) putPurgeTasks(eventID string, registrationIDs []string, now time.Time) {
	for _, id := range registrationIDs {
		tx.Put(newTask(eventID, purgeSK+id, now), always)
	}
}

func newTask(eventID, sk string, due time.Time) item { return dueKey(key(eventPK(eventID), sk), due) }

// dueKey adds the key in the due index, unless due is zero.
func dueKey(key item, due time.Time) item {
	if !due.IsZero() {
		key["GSI1PK"], key["GSI1SK"] = avString(duePK), avTime(due)
	}
	return key
}

// dueTime is when an item is due. Zero: never.
func dueTime(it item) (time.Time, error) {
	due, err := parseTime(stringAttr(it, "GSI1SK"))
	if err != nil {
		return due, fmt.Errorf("item %s: %w", stringAttr(it, "SK"), err)
	}
	return due, nil
}
