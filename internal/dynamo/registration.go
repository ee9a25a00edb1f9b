package dynamo

import (
	"context"
	"errors"

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

// EventAndRegistration reads an event and one of its registrations in one call, consistently. ErrNotFound when
// either is missing.
func (s *Store) EventAndRegistration(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error) {
	pk, sk := eventPK(eventID), registrationSK+registrationID
	found, err := s.batchGet(ctx, key(pk, metaSK), key(pk, sk))
	if err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	if found[pk+metaSK] == nil || found[pk+sk] == nil {
		return deltag.Event{}, deltag.Registration{}, deltag.ErrNotFound
	}
	e, err := decodeEvent(found[pk+metaSK])
	r, err2 := decodeRegistration(found[pk+sk])
	return e, r, errors.Join(err, err2)
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

// putRegistration writes a registration's first state if there is none, and any later one over the one before.
func (s *Store) putRegistration(r deltag.Registration) types.TransactWriteItem {
	if r.Revision == 1 {
		return s.put(encode(newRegistrationItem(r)), condNotExists, nil)
	}
	return s.putIfUnchanged(r)
}

// putIfUnchanged writes a registration's next state if the stored one is the one before.
func (s *Store) putIfUnchanged(r deltag.Registration) types.TransactWriteItem {
	return s.put(encode(newRegistrationItem(r)), condRevision, revisionParam(r.Revision-1))
}
