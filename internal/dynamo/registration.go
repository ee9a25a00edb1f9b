package dynamo

import (
	"context"

	"deltag/internal/deltag"
)

// registrationItem is a registration as it is stored.
type registrationItem struct {
	PK, SK          string
	EventID, ID     string
	Name            string
	Email           string
	NormalizedEmail string
	Organisation    string              `dynamodbav:",omitempty"`
	Role            string              `dynamodbav:",omitempty"`
	Answers         map[string][]string `dynamodbav:",omitempty"`
	Updates         bool
	Language        string
	Status          string
	RegisteredAt    string
	ConfirmedAt     string `dynamodbav:",omitempty"`
	AttendedAt      string `dynamodbav:",omitempty"`
	WaitlistedAt    string `dynamodbav:",omitempty"` // while waiting: part of the key of the waitlist entry
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
		Name: r.Name, Email: r.Email.Original, NormalizedEmail: r.Email.Normalized,
		Organisation: r.Organisation, Role: r.Role, Answers: r.Answers, Updates: r.Updates,
		Language: string(r.Language), Status: string(r.Status),
		RegisteredAt: formatTime(r.RegisteredAt), ConfirmedAt: formatTime(r.ConfirmedAt),
		AttendedAt: formatTime(r.AttendedAt), WaitlistedAt: formatTime(r.WaitlistedAt),
		AddressStatus: string(r.AddressStatus), PreviousIDs: r.PreviousIDs, Secret: r.Secret, Revision: r.Revision,
		MailVersion: r.MailVersion, LastMailedAt: formatTime(r.LastMailedAt), ICalSequence: r.ICalSequence,
	}
}

func decodeRegistration(it item) (deltag.Registration, error) {
	r, err := decode[registrationItem](it)
	return deltag.Registration{
		EventID: r.EventID, ID: r.ID,
		Name: r.Name, Email: deltag.Address{Original: r.Email, Normalized: r.NormalizedEmail},
		Organisation: r.Organisation, Role: r.Role, Answers: r.Answers, Updates: r.Updates,
		Language: deltag.Language(r.Language), Status: deltag.RegistrationStatus(r.Status),
		RegisteredAt: parseTime(r.RegisteredAt), ConfirmedAt: parseTime(r.ConfirmedAt),
		AttendedAt: parseTime(r.AttendedAt), WaitlistedAt: parseTime(r.WaitlistedAt),
		AddressStatus: deltag.AddressStatus(r.AddressStatus), PreviousIDs: r.PreviousIDs, Secret: r.Secret,
		Revision: r.Revision, MailVersion: r.MailVersion, LastMailedAt: parseTime(r.LastMailedAt),
		ICalSequence: r.ICalSequence,
	}, err
}

// EventAndRegistration reads an event and one of its registrations in one call.
// Errors: ErrNotFound, when either is missing.
func (s *Store) EventAndRegistration(
	ctx context.Context, eventID, registrationID string,
) (e deltag.Event, r deltag.Registration, err error) {
	pk, sk := eventPK(eventID), registrationSK+registrationID
	found, err := s.batchGet(ctx, key(pk, metaSK), key(pk, sk))
	if err != nil {
		return e, r, err
	}
	if found[pk+metaSK] == nil || found[pk+sk] == nil {
		return e, r, deltag.ErrNotFound
	}
	if e, err = decodeEvent(found[pk+metaSK]); err != nil {
		return e, r, err
	}
	r, err = decodeRegistration(found[pk+sk])
	return e, r, err
}

// Registrations lists a page of an event's registrations in the order of their ids, and the cursor of the next page,
// "" at the end. A page may be shorter than limit and not be the last.
// Errors: ValidationErrors, when cursor is not one of this list's.
func (s *Store) Registrations(
	ctx context.Context, eventID, cursor string, limit int,
) ([]deltag.Registration, string, error) {
	q, err := query{pk: eventPK(eventID), prefix: registrationSK, limit: limit}.startAfter(cursor)
	if err != nil {
		return nil, "", err
	}
	rs, last, err := decodePage(ctx, s, q, decodeRegistration)
	return rs, writeCursor(last), err
}

// RegistrationsAfter lists the registrations behind the one with the id after, "" for the first page. It is shorter
// than limit only at the end of the list.
func (s *Store) RegistrationsAfter(
	ctx context.Context, eventID, after string, limit int,
) ([]deltag.Registration, error) {
	q := query{pk: eventPK(eventID), prefix: registrationSK}
	if after != "" {
		q.after = registrationKey(eventID, after)
	}
	var all []deltag.Registration
	for {
		q.limit = limit - len(all)
		rs, last, err := decodePage(ctx, s, q, decodeRegistration) // DynamoDB ends a page at 1 MB
		if err != nil {
			return nil, err
		}
		if all, q.after = append(all, rs...), last; len(last) == 0 || len(all) == limit {
			return all, nil
		}
	}
}

// putRegistration creates a registration with Revision 1, and replaces the stored one with any other.
func (tx *transaction) putRegistration(r deltag.Registration) *action {
	if r.Revision == 1 {
		return tx.Put(encode(newRegistrationItem(r)), condNotExists)
	}
	return tx.replaceRegistration(r)
}

// replaceRegistration fails if the stored registration does not have the revision before r's.
func (tx *transaction) replaceRegistration(r deltag.Registration) *action {
	return tx.Put(encode(newRegistrationItem(r)), condRevision(r.Revision-1))
}
