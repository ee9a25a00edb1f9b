package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// SES's feedback is counted in items that expire: a network's by the hour, as long as it may decide on mail, and the account's
// by the day, in as many items as the due index has shards, since all mail counts in them.
const (
	networkFeedbackTTL = 3 * time.Hour
	accountFeedbackTTL = 48 * time.Hour
)

// receivedTTL is how long it is remembered that an address has received mail: from one event to the next.
const receivedTTL = 180 * 24 * time.Hour

// accountFeedback are the items that the account's day is counted in.
func accountFeedback(now time.Time) (keys []item) {
	for shard := range dueShards {
		keys = append(keys, key(fmt.Sprintf("RATE#ACCOUNT#%02d", shard), now.UTC().Format(time.DateOnly)))
	}
	return keys
}

// networkFeedback are the items of a network's hour, and of the one before.
func networkFeedback(network string, now time.Time) (keys []item) {
	for _, at := range []time.Time{now, now.Add(-time.Hour)} {
		keys = append(keys, key("RATE#BOUNCES#"+network, at.UTC().Format(hourLayout)))
	}
	return keys
}

// A received item says that an address has received mail, under its keyed hash.
func receivedKey(hash string) item { return key("RECEIVED#"+hash, "-") }

// CountFeedback adds what SES has reported about d to what is counted for the account and for d's network, and remembers
// its address if it has received mail. It has neither network nor address if it was erased. The writes are no transaction:
// the items belong to many mails. If some fail, or are repeated, a count is off by one.
func (s *Store) CountFeedback(ctx context.Context, d deltag.Delivery, o deltag.FeedbackCounts, at time.Time) error {
	var writes errgroup.Group
	writes.Go(func() error {
		return s.addFeedback(ctx, accountFeedback(at), dueShardOf(d.RegistrationID), o, at.Add(accountFeedbackTTL))
	})
	if d.NetworkHash != "" {
		writes.Go(func() error {
			return s.addFeedback(ctx, networkFeedback(d.NetworkHash, at), 0, o, at.Add(networkFeedbackTTL))
		})
	}
	if o.Delivered > 0 && d.Email.Normalized != "" && !d.Kind.IsFinal() { // a final mail's address is given up
		writes.Go(func() error {
			hash, err := s.hash(ctx, d.Email.Normalized)
			if err != nil {
				return err
			}
			received := receivedKey(hash)
			received["expiresAt"] = avNumber(int(at.Add(receivedTTL).Unix()))
			return s.putItem(ctx, received, always)
		})
	}
	return writes.Wait()
}

// addFeedback adds to the n-th item of a counter.
func (s *Store) addFeedback(ctx context.Context, counter []item, n int, o deltag.FeedbackCounts, expires time.Time) error {
	_, err := s.updateItem(ctx, counter[n], expression{
		text: "ADD Delivered :delivered, Bounced :bounced, Complained :complained SET expiresAt = :expires",
		values: item{
			":delivered": avNumber(o.Delivered), ":bounced": avNumber(o.Bounced), ":complained": avNumber(o.Complained),
			":expires": avNumber(int(expires.Unix())),
		},
	}, always)
	s.feedback.invalidate(keyText(counter[0]))
	return err
}

// Reputation is what was counted on the day of now (UTC) for the account, and in its hour and the one before for a
// network, "" for none. Each is up to cacheTTL old; they are read side by side.
func (s *Store) Reputation(ctx context.Context, network string, now time.Time) (deltag.Reputation, error) {
	counters := [][]item{accountFeedback(now)}
	if network != "" {
		counters = append(counters, networkFeedback(network, now))
	}
	sums, err := inParallel(counters, func(items []item) (deltag.FeedbackCounts, error) { return s.readFeedback(ctx, items) })
	if err != nil {
		return deltag.Reputation{}, err
	}
	r := deltag.Reputation{Account: sums[0]}
	if network != "" {
		r.Network = sums[1]
	}
	return r, nil
}

// readFeedback is the sum of a counter's items. Those who ask at the same time share one request.
func (s *Store) readFeedback(ctx context.Context, counter []item) (deltag.FeedbackCounts, error) {
	name := keyText(counter[0])
	if sum, ok := s.feedback.get(name); ok {
		return sum, nil
	}
	sum, err, _ := s.feedbackReads.Do(name, func() (any, error) {
		found, err := s.batchGet(ctx, counter...)
		if err != nil {
			return deltag.FeedbackCounts{}, err
		}
		var sum deltag.FeedbackCounts
		for _, key := range counter {
			o, _ := decodeFound(found, key, decode[deltag.FeedbackCounts]) // damaged: no reason to stop all mail
			sum = sum.Add(o)
		}
		s.feedback.put(name, sum)
		return sum, nil
	})
	return sum.(deltag.FeedbackCounts), err
}

// HasReceived says whether r's address has received mail: lately, or of this registration, if another one that had the
// address was erased since.
func (s *Store) HasReceived(ctx context.Context, r deltag.Registration) (bool, error) {
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return false, err
	}
	if _, err = s.get(ctx, receivedKey(hash)); !isNotFound(err) {
		return err == nil, err
	}
	deliveries, err := s.DeliveriesOf(ctx, r.EventID, r.ID)
	return slices.ContainsFunc(deliveries, func(d deltag.Delivery) bool {
		return d.Status == deltag.DeliveryDelivered && d.Email.Normalized == r.Email.Normalized
	}), err
}

// forgetReceived belongs in a transaction that gives up an address, of which the hash is.
func (tx *transaction) forgetReceived(hash string) { tx.Delete(receivedKey(hash), always) }

// Hold stores a delivery's next state, which is skipped because of its network, and takes the seat or waitlist place of r,
// whose sign-up it was to answer. The organiser's note is made before, so that it is never missing.
// Errors: ErrConflict (the note has gone out meanwhile, or the delivery or r has changed since it was read; so also when it is repeated).
func (s *Store) Hold(
	ctx context.Context, e deltag.Event, r deltag.Registration, next deltag.Delivery, now time.Time,
) error {
	note, err := s.openNote(ctx, e, now)
	if err != nil {
		return err
	}
	held := r.Hold(note.DueAt)
	tx := s.begin()
	tx.Put(encodeDelivery(next), condPreviousDelivery(next))
	seat := tx.giveUpPlace(e, r, &held, now)
	tx.replaceRegistration(held)
	tx.putExpireTask(held)
	tx.addToNote(note.DeliveryKey, r.ID, now)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	s.passOnSeat(ctx, e.ID, seat, now)
	return nil
}
