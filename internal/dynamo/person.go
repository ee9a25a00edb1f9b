package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// What the table holds of an address, or derives from one, and what becomes of it when the person is erased:
//
//	REG, MAIL                under the registration's id, which is made of event and address: PersonTraces. Erased
//	REG of another address   has this one in an AddressChange until that is verified, a day at most. Nothing leads there
//	PURGE EXPIRE GIVEBACK    tasks about a registration, with its id alone. They delete themselves
//	SEAT WAIT                name a registration's id. Freed
//	NOTE                     names the id of whom an organiser's note is about. Expires after 30 days
//	RECIPIENTS               names the ids of those who were picked for a message. Expires after 90 days
//	ERASURE                  says when a registration's id was erased: PersonTraces. Kept as the record of that
//	META                     an organiser's address: PersonTraces. Stays, until the event is edited
//	SUPPRESSED               under the address's hash: AddressRecord. Kept, or somebody would write to it again
//	RECEIVED                 under its hash: AddressRecord. Erased
//	RATE#MAIL                under its mailbox's hash: AddressRecord. Expires after two days
//	MEMBER, account's MAIL   a member's: AddressRecord. Stays, until an owner removes them; the mail for 30 days
//	REMOVED                  the id of a removed member. Kept, or their domain would let them in again
//	SESSION TOKEN            name a member's id, and end with the member
//	AUDIT                    a member's address, of who did something and to whom, and a registration's id. Expires after a year
//
// Nobody looks in REMOVED, RECIPIENTS and AUDIT for a person: the page and the file say what may be there.
//
// Whatever else has a hash is about networks. Backups keep all of it for seven days.

// maxParallelTraces is how many events are asked at once.
const maxParallelTraces = maxParallelShards

// PersonTraces lists the events that hold something of an address, the earliest start first. Which events there are is
// eventually consistent. UnreadableError: what can't be read is left out.
//
// Of each 100 events it takes four requests, one after the other: a query of the index, one BatchGetItem for the events,
// and two for their registrations and tasks. An event whose people are not erased yet takes two queries more, for its
// mails and its erasures, 32 events at once; one whose people are erased holds nothing, and takes none. So 1,000 events
// of which 100 are that new take 40 requests in a row and 200 side by side: about a quarter of a second at 5 ms each. If
// none is erased it is 2,000 side by side, and about half a second more. A hundred events are in memory at a time.
func (s *Store) PersonTraces(ctx context.Context, a deltag.Address) (traces []deltag.PersonTrace, err error) {
	q := query{index: "GSI1", pk: eventsPK, limit: maxBatch}
	var unreadable deltag.UnreadableError
	for {
		entries, last, err := decodePage(ctx, s, q, asItem)
		if err != nil {
			return nil, err
		}
		events, err := s.batchGetEvents(ctx, entries)
		if err := collectUnreadable(err, &unreadable); err != nil {
			return nil, err
		}
		found, err := s.tracesIn(ctx, events, a)
		if err := collectUnreadable(err, &unreadable); err != nil {
			return nil, err
		}
		traces = append(traces, found...)
		if q.after = last; len(last) == 0 {
			return traces, unreadable.Err()
		}
	}
}

// collectUnreadable adds an UnreadableError to all, and returns any other error.
func collectUnreadable(err error, all *deltag.UnreadableError) error {
	var unreadable deltag.UnreadableError
	if errors.As(err, &unreadable) {
		*all = append(*all, unreadable...)
		return nil
	}
	return err
}

// tracesIn are those of some events. UnreadableError as PersonTraces.
func (s *Store) tracesIn(
	ctx context.Context, events []deltag.Event, a deltag.Address,
) (traces []deltag.PersonTrace, err error) {
	var keys []item
	for _, e := range events {
		keys = append(keys, registrationKey(e.ID, deltag.RegistrationID(e, a)), key(eventPK(e.ID), eraseSK))
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	all := make([]deltag.PersonTrace, len(events))
	unreadable := make([]deltag.UnreadableError, len(events))
	var reads errgroup.Group
	reads.SetLimit(maxParallelTraces)
	for i, e := range events {
		all[i] = deltag.PersonTrace{Event: e, IsContact: strings.EqualFold(e.Organiser.Email, a.Normalized)}
		registration, task := found[keyText(keys[2*i])], found[keyText(keys[2*i+1])]
		if registration == nil && task == nil { // all its people are erased
			continue
		}
		reads.Go(func() error {
			return collectUnreadable(s.readTrace(ctx, &all[i], registration, a), &unreadable[i])
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	isEmpty := func(t deltag.PersonTrace) bool { return t.IsEmpty() }
	return slices.DeleteFunc(all, isEmpty), deltag.UnreadableError(slices.Concat(unreadable...)).Err()
}

// readTrace reads what is left of an address in t's event beside its registration, nil for none. UnreadableError as
// PersonTraces.
func (s *Store) readTrace(ctx context.Context, t *deltag.PersonTrace, registration item, a deltag.Address) error {
	var unreadable deltag.UnreadableError
	id := deltag.RegistrationID(t.Event, a)
	ids := []string{id}
	if registration != nil {
		r, err := decodeRegistration(registration)
		if err := collectUnreadable(err, &unreadable); err != nil {
			return err
		}
		if err == nil {
			t.Registration = &r
			ids = append(ids, r.PreviousIDs...)
		}
	}
	for _, id := range ids {
		err := forEach(ctx, s, deliveriesOf(t.Event.ID, id), asItem, func(row item) {
			d, err := decodeDelivery(row)
			if err != nil {
				unreadable = append(unreadable, err)
				return
			}
			t.Deliveries = append(t.Deliveries, d)
		})
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(t.Deliveries, func(a, b deltag.Delivery) int {
		return cmp.Or(b.DueAt.Compare(a.DueAt), b.Version-a.Version)
	})
	erasures := query{pk: personPK(t.Event.ID, id), prefix: erasureSK}
	err := forEach(ctx, s, erasures, asItem, func(it item) {
		_, rest := cutSortKey(stringAttr(it, "SK"))
		text, of, _ := strings.Cut(rest, "#")
		if at, err := parseTime(text); err == nil && of == id {
			t.ErasedAt = append(t.ErasedAt, at)
		}
	})
	return cmp.Or(err, unreadable.Err())
}

// AddressRecord reads what is stored of an address apart from events. It takes two requests.
func (s *Store) AddressRecord(
	ctx context.Context, a deltag.Address, now time.Time,
) (r deltag.AddressRecord, err error) {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return r, err
	}
	mailbox, err := s.hash(ctx, a.Mailbox())
	if err != nil {
		return r, err
	}
	memberID, err := s.MemberID(ctx, a)
	if err != nil {
		return r, err
	}
	keys := []item{suppressionKey(hash), receivedKey(hash), memberKey(memberID)}
	var counters []item
	for day := now.Add(-mailCountTTL); !day.After(now); day = day.AddDate(0, 0, 1) {
		counters = append(counters, mailCountKey(mailbox, day))
	}
	found, err := s.batchGet(ctx, slices.Concat(keys, counters)...)
	if err != nil {
		return r, err
	}
	r.Status = deltag.AddressOK
	if it := found[keyText(keys[0])]; it != nil {
		r.Status = deltag.AddressStatus(stringAttr(it, "AddressStatus"))
		r.Since, _ = parseTime(stringAttr(it, "Since")) // damaged: the status is what counts
	}
	if received, err := decodeFound(found, keys[1], decode[expiringItem]); err == nil {
		r.ReceivedUntil = time.Unix(received.ExpiresAt, 0).UTC()
	}
	switch m, err := decodeFound(found, keys[2], decodeMember); {
	case err == nil:
		r.Member = &m
	case !isNotFound(err):
		return r, err
	}
	for _, counter := range counters {
		if c, err := decodeFound(found, counter, decode[expiringItem]); err == nil {
			r.Mails = append(r.Mails, deltag.MailCount{Day: stringAttr(counter, "SK"), N: c.Counted})
		}
	}
	r.AccountMails, err = s.DeliveriesOf(ctx, deltag.AccountID, memberID)
	return r, err
}

// An expiringItem is what AddressRecord reads of an item that DynamoDB deletes.
type expiringItem struct {
	ExpiresAt int64 `dynamodbav:"expiresAt"` // Unix seconds
	Counted   int
}

// ForgetReceived forgets that an address has received mail. Erase does so too. Repeating it changes nothing.
func (s *Store) ForgetReceived(ctx context.Context, a deltag.Address) error {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return err
	}
	tx := s.begin()
	tx.forgetReceived(hash)
	return tx.Commit(ctx)
}
