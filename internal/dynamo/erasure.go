package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Erase removes all personal data of r, frees its seat, and leaves a record of the erasure without personal data.
// Only the address remains, in the receipt that is sent to it, until it is sent.
// Repeating it completes what is left to do; so does the purge task, if the function dies after the first write.
func (s *Store) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.removeRegistration(ctx, e, r, deltag.KindErasureReceipt, now)
}

// ErasedIDs lists the ids of the registrations of an event that were erased on request. An address that was changed
// before has another id.
func (s *Store) ErasedIDs(ctx context.Context, eventID string) ([]string, error) {
	queries := make([]query, shards)
	for shard := range shards {
		queries[shard] = inShards(eventID, erasureSK).of(shard)
	}
	var ids []string
	for some := range slices.Chunk(queries, maxParallelShards) {
		records, err := inParallel(some, func(q query) ([]item, error) { return readAll(ctx, s, q, asItem) })
		if err != nil {
			return nil, err
		}
		for _, it := range slices.Concat(records...) {
			sk := stringAttr(it, "SK")
			ids = append(ids, sk[strings.LastIndexByte(sk, '#')+1:])
		}
	}
	return ids, nil
}

// removeRegistration sends finalMail to the address, or nothing when it is "".
func (s *Store) removeRegistration(
	ctx context.Context, e deltag.Event, r deltag.Registration, finalMail deltag.MailKind, now time.Time,
) error {
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return err
	}
	seat := ""
	remove := func(tx *transaction, e deltag.Event, r deltag.Registration) {
		seat = tx.deleteRegistration(e, r, finalMail, now)
		if finalMail == deltag.KindErasureReceipt {
			tx.Put(erasureKey(r, now), always) // a merge of two registrations erases nobody
		}
		tx.forgetReceived(hash)
	}
	if err := s.updateWithRetry(ctx, e, r, remove); err != nil && !isNotFound(err) {
		return err
	}
	for _, id := range allIDs(r) {
		if err := s.PurgeDeliveries(deltag.WithoutAudit(ctx), r.EventID, id); err != nil {
			return err
		}
	}
	s.passOnSeat(ctx, e.ID, seat, now)
	return nil
}

// deleteRegistration deletes r, has its deliveries deleted, and returns the seat that is to be passed on. An unverified
// address gets no final mail.
func (tx *transaction) deleteRegistration(
	e deltag.Event, r deltag.Registration, finalMail deltag.MailKind, now time.Time,
) (seat string) {
	tx.Delete(registrationKey(r.EventID, r.ID), condRevision(r.Revision))
	gone := deltag.Registration{AttendedAt: r.AttendedAt} // who attended remains counted
	seat = tx.giveUpPlace(e, r, &gone, now)
	tx.putPurgeTasks(r.EventID, allIDs(r), now)
	if r.Status != deltag.RegistrationUnverified {
		tx.putFinalDelivery(e, r, finalMail, now)
	}
	return seat
}

// allIDs are the ids under which r has deliveries.
func allIDs(r deltag.Registration) []string { return slices.Concat(r.PreviousIDs, []string{r.ID}) }

// PurgeDeliveries deletes the deliveries of a registration that is gone, and its purge task. A final mail remains until it
// is sent; the organiser's mails remain, and so do the deliveries of a person who has signed up again. Repeating it
// changes nothing.
func (s *Store) PurgeDeliveries(ctx context.Context, eventID, registrationID string) error {
	for range maxRetries {
		if err := s.purgeDeliveries(ctx, eventID, registrationID); !isConflict(err) {
			return err
		}
	}
	return fmt.Errorf("purge: %w", deltag.ErrUnavailable)
}

// purgeDeliveries returns ErrConflict if a delivery has become another registration's in the meantime.
func (s *Store) purgeDeliveries(ctx context.Context, eventID, registrationID string) error {
	rows, err := readAll(ctx, s, deliveriesOf(eventID, registrationID), asItem)
	if err != nil {
		return err
	}
	successor, err := s.get(ctx, registrationKey(eventID, registrationID))
	if ignoreNotFound(err) != nil {
		return err
	}
	tx := s.begin()
	for _, row := range rows {
		d := readableDelivery(row)
		if d.IsToOrganiser() {
			continue // who may have signed up too
		}
		unsent := d.Kind.IsFinal() && d.IsActive()
		ofSuccessor := successor != nil && d.Generation == generationOf(successor)
		if !unsent && !ofSuccessor {
			tx.Delete(keyOf(row), condGeneration(d.Generation))
		}
	}
	tx.Delete(purgeKey(eventID, registrationID), always) // last: until then there is something left
	return tx.CommitInChunks(ctx)
}

// readableDelivery is what a row says of whose mail it is, also if the rest of it can't be decoded.
func readableDelivery(row item) deltag.Delivery {
	d := deltag.Delivery{
		DeliveryKey: deltag.DeliveryKey{Kind: deltag.MailKind(stringAttr(row, "Kind"))},
		Generation:  stringAttr(row, "Generation"), Status: deltag.DeliveryStatus(stringAttr(row, "Status")),
	}
	if row["DetachedRecipient"] != nil {
		d.DetachedRecipient = &deltag.Registration{}
	}
	return d
}

// generationOf is that of a stored registration, also if the rest of it can't be decoded.
func generationOf(registration item) string {
	secret, _ := registration["Secret"].(*types.AttributeValueMemberB)
	if secret == nil {
		return ""
	}
	return deltag.Registration{Secret: secret.Value}.Generation()
}

// EraseEvent removes all personal data of an event whose retention period is over, up to maxActions items a call, and
// keeps its statistics. Of an event that was deleted it removes what is left: see DeleteEvent. done is false while there is more to remove. Repeating it goes on where the last call ended.
func (s *Store) EraseEvent(ctx context.Context, eventID string, now time.Time) (done bool, err error) {
	task, err := s.get(ctx, key(eventPK(eventID), eraseSK)) // before the event, whose next edit replaces it
	if err != nil {
		return isNotFound(err), ignoreNotFound(err)
	}
	e, err := s.Event(ctx, eventID)
	if isNotFound(err) {
		return s.endDeletion(ctx, eventID, task, now)
	}
	if err != nil {
		return false, err
	}
	if now.Before(e.RetentionEndsAt()) {
		return true, nil
	}
	if counted, err := s.snapshotStats(ctx, e); !counted || err != nil {
		return false, ignoreConflict(err) // the event has changed: whether it is still to be erased is read again
	}
	items, err := s.readUpTo(ctx, query{pk: waitlistPK(eventID), limit: maxActions})
	if err == nil && len(items) == 0 {
		items, _, err = s.readShards(ctx, allPersonal(eventID), nil, maxActions)
	}
	if err != nil {
		return false, err
	}
	if len(items) > 0 {
		return false, s.deleteAll(ctx, items...)
	}
	if err := s.endSeatCheck(ctx, eventID); err != nil {
		return false, err
	}
	// Only the task that was read: an edit in the meantime may have put one that is due later.
	tx := s.begin()
	tx.Delete(keyOf(task), expression{text: "GSI1SK = :due", values: item{":due": task["GSI1SK"]}})
	tx.Update(key(eventPK(eventID), statsSK),
		expression{text: "SET ErasedAt = :now", values: item{":now": avTime(now)}}, condExists)
	err = ignoreConflict(tx.Commit(ctx)) // another call may have completed it
	return err == nil, err
}
