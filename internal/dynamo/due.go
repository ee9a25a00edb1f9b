package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// DueTasks lists up to limit tasks that are due at now and that people may wait for, and then as many others, which never
// hide them; the longest overdue first. The index is eventually consistent: a task may be missing for a moment, or listed
// when it is done. Fewer than limit altogether are all that there are.
func (s *Store) DueTasks(ctx context.Context, now time.Time, limit int) (tasks []deltag.DueTask, err error) {
	var queries []query
	for _, pk := range allDuePKs() {
		queries = append(queries, query{index: "GSI1", pk: pk, from: "0", to: formatTime(now), limit: limit})
	}
	pages, err := inParallel(queries, func(q query) ([]item, error) { return s.readUpTo(ctx, q) })
	if err != nil {
		return nil, err
	}
	urgent, bulk := slices.Concat(pages[:dueShards]...), pages[dueShards]
	slices.SortStableFunc(urgent, func(a, b item) int {
		return strings.Compare(stringAttr(a, "GSI1SK"), stringAttr(b, "GSI1SK"))
	})
	for _, it := range append(urgent[:min(limit, len(urgent))], bulk...) {
		task := ParseTask(stringAttr(it, "PK"), stringAttr(it, "SK"))
		task.DueAt, _ = dueTime(it) // damaged: no reason to stop
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// allDuePKs are the partitions of the due index, the one for bulk work last.
func allDuePKs() (pks []string) {
	for shard := range dueShards {
		pks = append(pks, dueShardPK(shard))
	}
	return append(pks, dueBulkPK)
}

func dueShardPK(shard int) string { return fmt.Sprintf("%s%02d", duePK, shard) }

// personDuePK is where the tasks are due that concern one registration, and eventDuePK where those are that one person of
// the event may wait for.
func personDuePK(registrationID string) string { return dueShardPK(dueShardOf(registrationID)) }

func dueShardOf(registrationID string) int { return shardOf(registrationID) * dueShards / shards }

func eventDuePK(eventID string) string { return personDuePK(eventID) }

// ParseTask reads the key of an item in the due index, as the index and the table's stream give it. Any other key is a
// TaskUnknown: an item of a later version, or of nobody here, is no reason to stop.
func ParseTask(pk, sk string) deltag.DueTask {
	eventID, ok := parseEventPK(pk)
	task := deltag.DueTask{EventID: eventID}
	prefix, rest := cutSortKey(sk)
	switch prefix {
	case promoteSK:
		task.Kind = deltag.TaskPromote
	case reconcileSK:
		task.Kind = deltag.TaskReconcile
	case eraseSK:
		task.Kind = deltag.TaskEraseEvent
	case digestSK:
		task.Kind = deltag.TaskDigest
	case seatCounterSK:
		task.Kind = deltag.TaskCheckSeats
	case seatSK:
		task.Kind, task.Seat, ok = deltag.TaskReturnSeat, rest, ok && rest != ""
	case purgeSK:
		task.Kind, task.RegistrationID, ok = deltag.TaskPurgeDeliveries, rest, ok && deltag.IsID(rest)
	case expireSK:
		task.Kind, task.RegistrationID, ok = deltag.TaskExpire, rest, ok && deltag.IsID(rest)
	case giveBackSK:
		task.Kind, task.RegistrationID, ok = deltag.TaskGiveBack, rest, ok && deltag.IsID(rest)
	case deliverySK:
		var known bool
		task.Kind = deltag.TaskDelivery
		task.Delivery, known = parseDeliveryKey(eventID, rest)
		ok = ok && known && task.Delivery.Kind.IsKnown()
	case mailingSK:
		var known bool
		task.Kind = deltag.TaskMailing
		task.Mailing, known = parseMailingKey(eventID, rest)
		ok = ok && known && task.Mailing.Kind.IsKnown()
	default:
		ok = false
	}
	if !ok {
		return deltag.DueTask{Kind: deltag.TaskUnknown, UnknownKey: pk + " " + sk}
	}
	return task
}

// PutOffTask moves the task of reconciling or erasing an event from now or earlier to next. It never moves one that an
// edit has moved to a later time. Errors: ErrConflict (it is not due any more).
func (s *Store) PutOffTask(ctx context.Context, t deltag.DueTask, now, next time.Time) error {
	sk := map[deltag.TaskKind]string{deltag.TaskReconcile: reconcileSK, deltag.TaskEraseEvent: eraseSK}[t.Kind]
	isDue := expression{text: "GSI1SK <= :now", values: item{":now": avTime(now)}}
	tx := s.begin()
	tx.Update(key(eventPK(t.EventID), sk),
		setDue(next), isDue)
	return tx.Commit(ctx)
}

// moveTask deletes the task if nothing waits any more: then end is zero. It leaves one that has been put since it
// was read.
func (s *Store) moveTask(ctx context.Context, task item, end time.Time) error {
	tx := s.begin()
	asRead := expression{text: "GSI1SK = :due", values: item{":due": task["GSI1SK"]}}
	if end.IsZero() {
		tx.Delete(keyOf(task), asRead)
	} else {
		tx.Update(keyOf(task), setDue(end), asRead)
	}
	return ignoreConflict(tx.Commit(ctx))
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
	task := dueKey(key(eventPK(eventID), promoteSK), eventDuePK(eventID), now)
	task["Nonce"] = avString(rand.Text()) // differs for two tasks put at the same time
	tx.Put(task, always)
}

// putEraseTask is due when the event's retention period ends.
func (tx *transaction) putEraseTask(e deltag.Event) {
	tx.Put(dueKey(key(eventPK(e.ID), eraseSK), dueBulkPK, e.RetentionEndsAt()), always)
}

// putPurgeTasks is for the deliveries of former registration ids, which contain their addresses.
func (tx *transaction) putPurgeTasks(eventID string, registrationIDs []string, now time.Time) {
	for _, id := range registrationIDs {
		tx.Put(dueKey(purgeKey(eventID, id), personDuePK(id), now), always)
	}
}

// dueKey adds the key in the due index, in its partition pk, unless due is zero.
func dueKey(key item, pk string, due time.Time) item {
	if !due.IsZero() {
		key["GSI1PK"], key["GSI1SK"] = avString(pk), avTime(due)
	}
	return key
}

// setDue moves a task to another time.
func setDue(due time.Time) expression {
	return expression{text: "SET GSI1SK = :next", values: item{":next": avTime(due)}}
}

// dueTime is when an item is due. Zero: never.
func dueTime(it item) (time.Time, error) {
	due, err := parseTime(stringAttr(it, "GSI1SK"))
	if err != nil {
		return due, unreadable(it, err)
	}
	return due, nil
}
