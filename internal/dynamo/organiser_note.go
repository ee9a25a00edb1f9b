package dynamo

import (
	"context"
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

// putNoted stores that the note is about a registration. The item is in the event's own partition, since it names nobody.
func (tx *transaction) putNoted(note deltag.DeliveryKey, registrationID string, now time.Time) {
	it := key(eventPK(note.EventID), notePrefix(note)+registrationID)
	it["ID"], it["expiresAt"] = avString(registrationID), avNumber(int(now.Add(notedTTL).Unix()))
	tx.Put(it, always)
}

// Noted lists those whom an organiser's note is about: who lost a seat or a waitlist place on its day, and have neither
// come back nor got another address since, and whose mail was held on its day, and who have not been verified since.
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
