package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// registrationItem is a registration as it is stored.
type registrationItem struct {
	PK, SK          string
	EventID, ID     string
	Name            string
	Email           string              // as typed
	NormalizedEmail string              // as compared
	Organisation    string              `dynamodbav:",omitempty"`
	Role            string              `dynamodbav:",omitempty"`
	Answers         map[string][]string `dynamodbav:",omitempty"`
	Updates         bool
	Language        string
	Status          string
	RegisteredAt    string
	ConfirmedAt     string `dynamodbav:",omitempty"`
	AttendedAt      string `dynamodbav:",omitempty"`
	WaitlistedAt    string `dynamodbav:",omitempty"` // while waiting: part of the key of the place in line
	AddressStatus   string
	PreviousIDs     []string `dynamodbav:",omitempty"`
	Secret          []byte
	Revision        int
	MailVersion     int
	LastMailedAt    string
	ICalSequence    int
}

func newRegistrationItem(r deltag.Registration) registrationItem {
	return registrationItem{
		PK: eventPK(r.EventID), SK: registrationSK + r.ID, EventID: r.EventID, ID: r.ID,
		Name: r.Name, Email: r.Email.Original, NormalizedEmail: r.Email.Normalized, Organisation: r.Organisation, Role: r.Role,
		Answers: r.Answers, Updates: r.Updates, Language: string(r.Language), Status: string(r.Status),
		RegisteredAt: formatTime(r.RegisteredAt), ConfirmedAt: formatTime(r.ConfirmedAt), AttendedAt: formatTime(r.AttendedAt),
		WaitlistedAt: formatTime(r.WaitlistedAt), AddressStatus: string(r.AddressStatus), PreviousIDs: r.PreviousIDs, Secret: r.Secret, Revision: r.Revision,
		MailVersion: r.MailVersion, LastMailedAt: formatTime(r.LastMailedAt), ICalSequence: r.ICalSequence,
	}
}

func decodeRegistration(it item) (deltag.Registration, error) {
	r, err := decode[registrationItem](it)
	return deltag.Registration{
		EventID: r.EventID, ID: r.ID, Name: r.Name, Email: deltag.Address{Original: r.Email, Normalized: r.NormalizedEmail},
		Organisation: r.Organisation, Role: r.Role, Answers: r.Answers, Updates: r.Updates,
		Language: deltag.Language(r.Language), Status: deltag.RegistrationStatus(r.Status),
		RegisteredAt: parseTime(r.RegisteredAt), ConfirmedAt: parseTime(r.ConfirmedAt), AttendedAt: parseTime(r.AttendedAt),
		WaitlistedAt: parseTime(r.WaitlistedAt), AddressStatus: deltag.AddressStatus(r.AddressStatus), PreviousIDs: r.PreviousIDs, Secret: r.Secret, Revision: r.Revision,
		MailVersion: r.MailVersion, LastMailedAt: parseTime(r.LastMailedAt), ICalSequence: r.ICalSequence,
	}, err
}

// Registration reads one with its event; it is Visit under the organiser's name for it.
func (s *Store) Registration(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error) {
	return s.EventAndRegistration(ctx, eventID, registrationID)
}

// Registrations lists those of an event, in the order of their ids, consistently.
func (s *Store) Registrations(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Registration, string, error) {
	after, err := readCursor(cursor, "PK", eventPK(eventID))
	if err != nil {
		return nil, "", err
	}
	rs, last, err := s.registrations(ctx, query{pk: eventPK(eventID), prefix: registrationSK, after: after, limit: limit})
	return rs, writeCursor(last), err
}

// RegistrationsAfter is a page of registrations behind the one with the id after, "" for the first page. It is
// shorter than limit at the end of the list.
func (s *Store) RegistrationsAfter(ctx context.Context, eventID, after string, limit int) ([]deltag.Registration, error) {
	q := query{pk: eventPK(eventID), prefix: registrationSK, limit: limit}
	if after != "" {
		q.after = key(eventPK(eventID), registrationSK+after)
	}
	var all []deltag.Registration
	for {
		q.limit = limit - len(all)
		rs, last, err := s.registrations(ctx, q) // DynamoDB ends a page at 1 MB
		if err != nil {
			return nil, err
		}
		if all, q.after = append(all, rs...), last; len(last) == 0 || len(all) == limit {
			return all, nil
		}
	}
}

func (s *Store) registrations(ctx context.Context, q query) ([]deltag.Registration, item, error) {
	out, err := s.queryPage(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	rs := make([]deltag.Registration, len(out.Items))
	for i, it := range out.Items {
		if rs[i], err = decodeRegistration(it); err != nil {
			return nil, nil, err
		}
	}
	return rs, out.LastEvaluatedKey, nil
}

// WaitlistPosition is r's place in line, from 1.
func (s *Store) WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error) {
	q := query{pk: eventPK(r.EventID), from: waitlistSK, to: waitlistKey(newRegistrationItem(r)), count: true}
	place := 0
	for {
		out, err := s.queryPage(ctx, q)
		if err != nil {
			return 0, err
		}
		place += int(out.Count)
		if q.after = out.LastEvaluatedKey; len(q.after) == 0 {
			return place, nil
		}
	}
}

// updateWithRetry writes a change of a registration that is made from its latest state: first of the one the
// caller has read, and after a conflict of the one that is stored. change returns no actions when there is
// nothing left to do, which makes every caller safe to repeat.
func (s *Store) updateWithRetry(ctx context.Context, e deltag.Event, r deltag.Registration, change func(deltag.Event, deltag.Registration) []types.TransactWriteItem) error {
	for attempt := 1; ; attempt++ {
		actions := change(e, r)
		if len(actions) == 0 {
			return nil
		}
		err := s.transact(ctx, actions...)
		if !errors.Is(err, deltag.ErrConflict) || attempt == maxRetries {
			return err
		}
		event, latest, visitErr := s.EventAndRegistration(ctx, e.ID, r.ID)
		if visitErr != nil {
			return visitErr
		}
		if event.Revision == e.Revision && latest.Revision == r.Revision {
			return err // it was something else than what the change is made from
		}
		e, r = event, latest
	}
}

// putIfUnchanged writes a registration's next state if the stored one is the one before.
func (s *Store) putIfUnchanged(r deltag.Registration) types.TransactWriteItem {
	return s.put(encode(newRegistrationItem(r)), condRevision, revisionParam(r.Revision-1))
}

// MarkAttended notes that r came, the first time; later presses change nothing.
func (s *Store) MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.updateWithRetry(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		if !r.AttendedAt.IsZero() {
			return nil
		}
		return []types.TransactWriteItem{s.putIfUnchanged(r.MarkAttended(now)), s.addCounts(e, r.ID, deltag.Counts{Attended: 1})}
	})
}

// Unsubscribe ends optional mail to r.
func (s *Store) Unsubscribe(ctx context.Context, e deltag.Event, r deltag.Registration, _ time.Time) error {
	return s.setAddressStatus(ctx, e, r, deltag.AddressUnsubscribed)
}

// setAddressStatus notes a state of the address; a worse one that is known already stays.
func (s *Store) setAddressStatus(ctx context.Context, e deltag.Event, r deltag.Registration, state deltag.AddressStatus) error {
	return s.updateWithRetry(ctx, e, r, func(_ deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		if !state.MoreSevereThan(r.AddressStatus) {
			return nil
		}
		return []types.TransactWriteItem{s.putIfUnchanged(r.SetAddressStatus(state))}
	})
}

// ResendConfirmation tells the person behind an address again how their registration stands, and nothing when there
// is none; at most once in deltag.RepeatAfter.
func (s *Store) ResendConfirmation(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time) error {
	e, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, a))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.resend(ctx, e, r, now)
}

// resend is silent when the address may be sent no more today.
func (s *Store) resend(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	mails, err := s.mailCounterKey(ctx, r.Email, now)
	if err != nil {
		return err
	}
	err = s.updateWithRetry(ctx, e, r, func(_ deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		next, mail, ok := r.ResendAfterCooldown(now)
		if !ok {
			return nil
		}
		return []types.TransactWriteItem{s.putIfUnchanged(next), s.putDelivery(mail), s.checkMailLimit(mails)}
	})
	if failedAt(err, 2) {
		return nil
	}
	return err
}
