package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// registrationItem is a registration as it is stored.
type registrationItem struct {
	EventID, ID, Name       string
	Email, NormalizedEmail  string
	Organisation, JobTitle  string              `dynamodbav:",omitempty"`
	Answers                 map[string][]string `dynamodbav:",omitempty"`
	AllowsNews              bool
	AsksForNews             bool   `dynamodbav:",omitempty"`
	ByOrganiser             bool   `dynamodbav:",omitempty"`
	Source                  string `dynamodbav:",omitempty"`
	Language                deltag.Language
	Status                  deltag.RegistrationStatus
	RegisteredAt            time.Time
	ConfirmedAt, AttendedAt time.Time `dynamodbav:",omitempty"`
	WaitlistedAt            time.Time `dynamodbav:",omitempty"` // part of the key of the waitlist entry
	Seat                    string    `dynamodbav:",omitempty"`
	GivenBackAt             time.Time `dynamodbav:",omitempty"`
	AddressStatus           deltag.AddressStatus
	PreviousIDs             []string           `dynamodbav:",omitempty"`
	AddressChange           *addressChangeItem `dynamodbav:",omitempty"`
	Secret                  []byte
	Revision, MailVersion   int
	LastMailedAt            time.Time
	VerifyUntil             time.Time `dynamodbav:",omitempty"`
	ICalSequence            int
	Changes, AddressChanges int       `dynamodbav:",omitempty"`
	ChangedOn               time.Time `dynamodbav:",omitempty"`
}

// addressChangeItem is a change of address that is not verified yet, as it is stored.
type addressChangeItem struct {
	Name                   string
	Email, NormalizedEmail string
	Organisation, JobTitle string              `dynamodbav:",omitempty"`
	Answers                map[string][]string `dynamodbav:",omitempty"`
	AllowsNews             bool
	Language               deltag.Language
	Secret                 []byte
	RequestedAt            time.Time
	VerifyUntil            time.Time
	MailVersion            int
}

func encodeRegistration(r deltag.Registration) item {
	return encode(registrationKey(r.EventID, r.ID), registrationItem{
		EventID: r.EventID, ID: r.ID, Name: r.Name, Email: r.Email.Original, NormalizedEmail: r.Email.Normalized,
		Organisation: r.Organisation, JobTitle: r.JobTitle, Answers: r.Answers, AllowsNews: r.AllowsNews, Language: r.Language,
		Status: r.Status, RegisteredAt: r.RegisteredAt, ConfirmedAt: r.ConfirmedAt, AttendedAt: r.AttendedAt,
		WaitlistedAt: r.WaitlistedAt, Seat: r.Seat, AddressStatus: r.AddressStatus, PreviousIDs: r.PreviousIDs, Secret: r.Secret,
		Revision: r.Revision, MailVersion: r.MailVersion, LastMailedAt: r.LastMailedAt, ICalSequence: r.ICalSequence,
		Changes: r.Changes, AddressChanges: r.AddressChanges, ChangedOn: r.ChangedOn, VerifyUntil: r.VerifyUntil,
		AsksForNews: r.AsksForNews, GivenBackAt: r.GivenBackAt, AddressChange: encodeAddressChange(r.AddressChange),
		ByOrganiser: r.ByOrganiser, Source: r.Source,
	})
}

func encodeAddressChange(c *deltag.AddressChange) *addressChangeItem {
	if c == nil {
		return nil
	}
	d := c.Details
	return &addressChangeItem{
		Name: d.Name, Email: d.Email.Original, NormalizedEmail: d.Email.Normalized, Organisation: d.Organisation,
		JobTitle: d.JobTitle, Answers: d.Answers, AllowsNews: d.AllowsNews, Language: d.Language,
		Secret: c.Secret, RequestedAt: c.RequestedAt, VerifyUntil: c.VerifyUntil, MailVersion: c.MailVersion,
	}
}

func (v *addressChangeItem) decode() *deltag.AddressChange {
	if v == nil {
		return nil
	}
	return &deltag.AddressChange{Details: deltag.SignUpRequest{
		Name: v.Name, Email: deltag.Address{Original: v.Email, Normalized: v.NormalizedEmail}, Organisation: v.Organisation,
		JobTitle: v.JobTitle, Answers: v.Answers, AllowsNews: v.AllowsNews, Language: v.Language,
	}, Secret: v.Secret, RequestedAt: v.RequestedAt, VerifyUntil: v.VerifyUntil, MailVersion: v.MailVersion}
}

func decodeRegistration(it item) (deltag.Registration, error) {
	v, err := decode[registrationItem](it)
	return deltag.Registration{
		EventID: v.EventID, ID: v.ID, Name: v.Name,
		Email:        deltag.Address{Original: v.Email, Normalized: v.NormalizedEmail},
		Organisation: v.Organisation, JobTitle: v.JobTitle, Answers: v.Answers, AllowsNews: v.AllowsNews, Language: v.Language,
		Status: v.Status, RegisteredAt: v.RegisteredAt, ConfirmedAt: v.ConfirmedAt, AttendedAt: v.AttendedAt,
		WaitlistedAt: v.WaitlistedAt, Seat: v.Seat, AddressStatus: v.AddressStatus, PreviousIDs: v.PreviousIDs, Secret: v.Secret,
		Revision: v.Revision, MailVersion: v.MailVersion, LastMailedAt: v.LastMailedAt, ICalSequence: v.ICalSequence,
		Changes: v.Changes, AddressChanges: v.AddressChanges, ChangedOn: v.ChangedOn, VerifyUntil: v.VerifyUntil,
		AsksForNews: v.AsksForNews, GivenBackAt: v.GivenBackAt, AddressChange: v.AddressChange.decode(),
		ByOrganiser: v.ByOrganiser, Source: v.Source,
	}, err
}

// EventAndRegistration reads an event and one of its registrations in one call.
// Errors: ErrNotFound, when either is missing.
func (s *Store) EventAndRegistration(
	ctx context.Context, eventID, registrationID string,
) (e deltag.Event, r deltag.Registration, err error) {
	event, registration := eventKey(eventID), registrationKey(eventID, registrationID)
	found, err := s.batchGet(ctx, event, registration)
	if err != nil {
		return e, r, err
	}
	if r, err = decodeFound(found, registration, decodeRegistration); err != nil {
		return e, r, err
	}
	e, err = decodeFound(found, event, decodeEvent)
	return e, r, err
}

// Registrations lists a page of an event's registrations in the order of their ids.
func (s *Store) Registrations(
	ctx context.Context, eventID, cursor string, limit int,
) ([]deltag.Registration, string, error) {
	return listShards(ctx, s, inShards(eventID, registrationSK), cursor, limit, decodeRegistration)
}

// RegistrationsAfter lists up to limit registrations behind the one with the id after, "" for the first page, and the id
// that the next page begins behind, "" at the end of the list. Those that can't be decoded are left out and are an
// UnreadableError, with which the page is still good.
func (s *Store) RegistrationsAfter(
	ctx context.Context, eventID, after string, limit int,
) (page []deltag.Registration, next string, err error) {
	var from item
	if after != "" {
		from = registrationKey(eventID, after)
	}
	items, last, err := s.readShards(ctx, inShards(eventID, registrationSK), from, limit)
	if err != nil {
		return nil, "", err
	}
	if len(last) > 0 {
		_, next = cutSortKey(stringAttr(last, "SK"))
	}
	page, err = readableRegistrations(items)
	return page, next, err
}

// readableRegistrations are those of items that can be read. UnreadableError: the others.
func readableRegistrations(items []item) (all []deltag.Registration, err error) {
	var unreadable deltag.UnreadableError
	for _, it := range items {
		r, err := decodeRegistration(it)
		if err != nil {
			unreadable = append(unreadable, err)
			continue
		}
		all = append(all, r)
	}
	return all, unreadable.Err()
}

// putRegistration creates a registration with Revision 1, and replaces the stored one with any other.
func (tx *transaction) putRegistration(r deltag.Registration) *action {
	if r.Revision == 1 {
		return tx.Put(encodeRegistration(r), condNotExists)
	}
	return tx.replaceRegistration(r)
}

// replaceRegistration fails if the stored registration does not have the revision before r's.
func (tx *transaction) replaceRegistration(r deltag.Registration) *action {
	return tx.Put(encodeRegistration(r), condRevision(r.Revision-1))
}
