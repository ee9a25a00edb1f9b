package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"deltag/internal/deltag"
)

// notedTTL is how long it is remembered whom an organiser's note is about: longer than the note may be delayed.
const notedTTL = 30 * 24 * time.Hour

// notePrefix begins the keys of those whom an organiser's note is about.
func notePrefix(note deltag.DeliveryKey) string {
	return noteSK + strconv.Itoa(note.Version) + "#"
}

// openNote is the organiser's note about what happens to people of e at now, which has not gone out. It stores one unless
// there is one.
func (s *Store) openNote(ctx context.Context, e deltag.Event, now time.Time) (deltag.Delivery, error) {
	note := deltag.NewOrganiserNote(e, now)
	for range maxRetries {
		err := s.SaveDelivery(ctx, note)
		if !isConflict(err) {
			return note, err
		}
		stored, err := s.Delivery(ctx, note.DeliveryKey)
		switch {
		case isNotFound(err): // erased with its event's people
			continue
		case err != nil || stored.Status == deltag.DeliveryPending:
			return stored, err
		}
		note.Version++ // that one has gone out: another tells of those who come after it
	}
	return note, fmt.Errorf("organiser's note: %w", deltag.ErrUnavailable)
}

// addToNote stores that a note is about a registration. It fails if the note has gone out; and whoever has read whom it is
// about, and is about to send it, has to read that again. The item is in the event's own partition, since it names nobody.
func (tx *transaction) addToNote(note deltag.DeliveryKey, registrationID string, now time.Time) {
	it := key(eventPK(note.EventID), notePrefix(note)+registrationID)
	it["ID"], it["expiresAt"] = avString(registrationID), avNumber(int(now.Add(notedTTL).Unix()))
	tx.Put(it, always)
	tx.Update(deliveryKey(note), expression{text: "ADD Revision :one", values: item{":one": avNumber(1)}}, expression{
		text: "#status = :pending", names: map[string]string{"#status": "Status"}, // a reserved word
		values: item{":pending": avString(string(deltag.DeliveryPending))},
	})
}

// Noted lists those whom an organiser's note is about: who lost a seat or a waitlist place, and have neither come back nor got
// another address since, and whose mail was held, and who have not been verified since.
// It leaves out those who were erased, or can't be read.
func (s *Store) Noted(ctx context.Context, note deltag.DeliveryKey) (people []deltag.Registration, err error) {
	listed, err := readAll(ctx, s, query{pk: eventPK(note.EventID), prefix: notePrefix(note)}, asItem)
	if err != nil {
		return nil, err
	}
	var keys []item
	for _, it := range listed {
		keys = append(keys, registrationKey(note.EventID, stringAttr(it, "ID")))
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		r, err := decodeFound(found, key, decodeRegistration)
		if err == nil && (r.WasGivenBack() || r.Status == deltag.RegistrationUnverified) {
			people = append(people, r)
		}
	}
	return people, nil
}
