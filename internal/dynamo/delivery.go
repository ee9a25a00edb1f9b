package dynamo

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// deliveryItem is a row of the mail ledger as it is stored. It is in the due index while it is active.
type deliveryItem struct {
	EventID, RegistrationID string
	Kind                    deltag.MailKind
	Version                 int
	Email, NormalizedEmail  string
	Generation              string          `dynamodbav:",omitempty"`
	DetachedRecipient       *recipientItem  `dynamodbav:",omitempty"`
	Text                    string          `dynamodbav:",omitempty"`
	Digest                  *toldDigestItem `dynamodbav:",omitempty"`
	ByForm                  bool            `dynamodbav:",omitempty"`
	NetworkHash             string          `dynamodbav:",omitempty"`
	Status                  deltag.DeliveryStatus
	Reason                  deltag.Reason `dynamodbav:",omitempty"`
	DueAt                   time.Time
	Attempt                 int
	SentAt                  time.Time `dynamodbav:",omitempty"`
	MessageID               string    `dynamodbav:",omitempty"`
	Revision                int
	History                 []statusChangeItem `dynamodbav:",omitempty"`
	TTL                     int64              `dynamodbav:"expiresAt,omitempty"` // Unix seconds
}

// accountMailTTL is how long the ledger keeps mail to members: as long as SES may report on it, and an operator may ask.
const accountMailTTL = 30 * 24 * time.Hour

// recipientItem is the recipient of a mail that belongs to no stored registration.
type recipientItem struct {
	Name          string
	Language      deltag.Language
	Status        deltag.RegistrationStatus
	AddressStatus deltag.AddressStatus
	ConfirmedAt   time.Time `dynamodbav:",omitempty"`
	ICalSequence  int
	CalendarUID   string `dynamodbav:",omitempty"`
}

type statusChangeItem struct {
	At     time.Time
	Status deltag.DeliveryStatus
	Reason deltag.Reason `dynamodbav:",omitempty"`
}

func encodeDelivery(d deltag.Delivery) item {
	v := deliveryItem{
		EventID: d.EventID, RegistrationID: d.RegistrationID, Kind: d.Kind, Version: d.Version,
		Email: d.Email.Original, NormalizedEmail: d.Email.Normalized, Generation: d.Generation, Text: d.Text,
		Status: d.Status, Reason: d.Reason, DueAt: d.DueAt, Attempt: d.Attempt, SentAt: d.SentAt, MessageID: d.MessageID,
		Revision: d.Revision, ByForm: d.ByForm, NetworkHash: d.NetworkHash, Digest: toToldDigestItem(d.Digest),
	}
	if r := d.DetachedRecipient; r != nil {
		v.DetachedRecipient = &recipientItem{
			Name: r.Name, Language: r.Language, Status: r.Status, AddressStatus: r.AddressStatus,
			ConfirmedAt: r.ConfirmedAt, ICalSequence: r.ICalSequence, CalendarUID: r.FormerCalendarUID,
		}
	}
	for _, c := range d.History {
		v.History = append(v.History, statusChangeItem(c))
	}
	if d.EventID == deltag.AccountID { // no event whose end erases it
		v.TTL = d.DueAt.Add(accountMailTTL).Unix()
	}
	return encode(dueKey(deliveryKey(d.DeliveryKey), personDuePK(d.RegistrationID), d.NextAttemptAt), v)
}

func decodeDelivery(it item) (deltag.Delivery, error) {
	v, err := decode[deliveryItem](it)
	nextAttemptAt, dueErr := dueTime(it)
	k := deltag.DeliveryKey{EventID: v.EventID, RegistrationID: v.RegistrationID, Kind: v.Kind, Version: v.Version}
	d := deltag.Delivery{
		DeliveryKey: k, Email: deltag.Address{Original: v.Email, Normalized: v.NormalizedEmail}, Generation: v.Generation,
		Text: v.Text, Status: v.Status, Reason: v.Reason, DueAt: v.DueAt, NextAttemptAt: nextAttemptAt, Attempt: v.Attempt,
		SentAt: v.SentAt, MessageID: v.MessageID, Revision: v.Revision, ByForm: v.ByForm,
		NetworkHash: v.NetworkHash, Digest: v.Digest.digest(),
	}
	if r := v.DetachedRecipient; r != nil {
		d.DetachedRecipient = &deltag.Registration{
			EventID: v.EventID, ID: v.RegistrationID, Name: r.Name, Email: d.Email, Language: r.Language, Status: r.Status,
			AddressStatus: r.AddressStatus, ConfirmedAt: r.ConfirmedAt, ICalSequence: r.ICalSequence,
			FormerCalendarUID: r.CalendarUID,
		}
	}
	for _, c := range v.History {
		d.History = append(d.History, deltag.StatusChange(c))
	}
	return d, errors.Join(err, dueErr)
}

// Delivery reads a delivery. Errors: ErrNotFound.
func (s *Store) Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error) {
	return read(ctx, s, deliveryKey(k), decodeDelivery)
}

// Deliveries lists a page of an event's deliveries in the order of their registrations' ids.
func (s *Store) Deliveries(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Delivery, string, error) {
	return listShards(ctx, s, inShards(eventID, deliverySK), cursor, limit, decodeDelivery)
}

// DeliveriesOf lists all deliveries of a registration id.
func (s *Store) DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error) {
	return readAll(ctx, s, deliveriesOf(eventID, registrationID), decodeDelivery)
}

func deliveriesOf(eventID, registrationID string) query {
	return query{pk: personPK(eventID, registrationID), prefix: deliverySK + registrationID + "#"}
}

// LoadDelivery reads a delivery, its event and its recipient in one call. The recipient is the zero value when the
// registration is gone and the delivery has no detached recipient.
// Errors: ErrNotFound, when the delivery or the event is gone.
func (s *Store) LoadDelivery(
	ctx context.Context, k deltag.DeliveryKey,
) (d deltag.Delivery, e deltag.Event, recipient deltag.Registration, err error) {
	if k.EventID == deltag.AccountID {
		return s.loadAccountMail(ctx, k)
	}
	delivery, event := deliveryKey(k), eventKey(k.EventID)
	registration := registrationKey(k.EventID, k.RegistrationID)
	found, err := s.batchGet(ctx, delivery, event, registration)
	if err != nil {
		return d, e, recipient, err
	}
	if d, err = decodeFound(found, delivery, decodeDelivery); err != nil {
		return d, e, recipient, err
	}
	if e, err = decodeFound(found, event, decodeEvent); err != nil {
		return d, e, recipient, err
	}
	if d.Kind == deltag.KindOrganiserNote && d.IsActive() { // which may be some days old, and names attendees
		d = d.Readdressed(e)
	}
	if d.DetachedRecipient != nil && d.Kind != deltag.KindVerification {
		return d, e, *d.DetachedRecipient, nil
	}
	recipient, err = decodeFound(found, registration, decodeRegistration)
	if d.DetachedRecipient != nil { // without the key of its link, which is the registration's
		recipient = recipient.VerificationRecipient(d)
	}
	return d, e, recipient, ignoreNotFound(err)
}

// loadAccountMail is LoadDelivery for mail to a member. The recipient of a mail to one who was removed is the zero value.
func (s *Store) loadAccountMail(
	ctx context.Context, k deltag.DeliveryKey,
) (d deltag.Delivery, e deltag.Event, recipient deltag.Registration, err error) {
	var reads errgroup.Group // apart, as only the organisers' function may do more with a member than read it
	reads.Go(func() (err error) {
		d, err = s.Delivery(ctx, k)
		return err
	})
	reads.Go(func() error {
		m, err := s.Member(ctx, k.RegistrationID)
		if err == nil {
			recipient = m.Recipient()
		}
		return ignoreNotFound(err)
	})
	err = reads.Wait()
	if d.DetachedRecipient != nil {
		recipient.Language = d.DetachedRecipient.Language // that it was asked for in
	}
	if recipient.ID == "" {
		recipient = deltag.Registration{}
	}
	return d, deltag.AccountEvent(), recipient, err
}

// Claim stores a claimed delivery, provided that r, its recipient, is stored as it was read, and that the address may
// get the mail.
// Errors: ErrConflict (the delivery is claimed by somebody else, or r has changed since it was read), ErrSuppressed,
// ErrMailLimit. Repeating it is ErrConflict, so one of many callers sends the mail.
func (s *Store) Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error {
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return err
	}
	tx := s.begin()
	row := tx.Put(encodeDelivery(d), condPreviousDelivery(d))
	suppression := tx.Check(suppressionKey(hash), condNotSuppressed(d))
	if d.DetachedRecipient == nil {
		tx.Check(registrationKey(r.EventID, r.ID), condRevision(r.Revision))
	}
	var mailCount *action
	if d.AttemptsSinceResend() == 1 && d.Kind.IsLimited() {
		claimedAt := d.History[len(d.History)-1].At
		if mailCount, err = tx.countMail(ctx, r.Email, d, claimedAt); err != nil {
			return err
		}
	}
	err = tx.Commit(ctx)
	switch {
	case suppression.Failed():
		return deltag.ErrSuppressed
	case mailCount.Failed() && !row.Failed():
		return deltag.ErrMailLimit
	}
	return err
}

// SaveDelivery stores d's next state, or a new delivery. A final mail that is done is deleted instead: nothing is
// kept of an address that was given up.
// Errors: ErrConflict (the stored state is not the one before d's; so also when it is repeated).
func (s *Store) SaveDelivery(ctx context.Context, d deltag.Delivery) error {
	if d.Kind.IsFinal() && !d.IsActive() {
		tx := s.begin()
		tx.Delete(deliveryKey(d.DeliveryKey), condRevision(d.Revision-1))
		return tx.Commit(ctx)
	}
	d.Revision = max(1, d.Revision)
	return s.putItem(ctx, encodeDelivery(d), condPreviousDelivery(d))
}

// Delay stores d's next state, which waits. If it asks an address to be verified, there is as much time for that as if it
// were sent now.
// Errors: ErrConflict (d or its registration has changed since it was read; so also when it is repeated).
func (s *Store) Delay(ctx context.Context, next deltag.Delivery) error {
	if next.Kind != deltag.KindVerification {
		return s.SaveDelivery(ctx, next)
	}
	_, r, err := s.EventAndRegistration(ctx, next.EventID, next.RegistrationID)
	if isNotFound(err) { // erased since it was read
		return deltag.ErrConflict
	}
	if err != nil {
		return err
	}
	tx := s.begin()
	tx.Put(encodeDelivery(next), condPreviousDelivery(next))
	if delayed, ok := r.DelayVerification(next); ok {
		tx.replaceRegistration(delayed)
		tx.putExpireTask(delayed)
	}
	return tx.Commit(ctx)
}

// putDelivery stores a new delivery.
func (tx *transaction) putDelivery(d deltag.Delivery) *action {
	d.Revision = 1
	return tx.Put(encodeDelivery(d), condPreviousDelivery(d))
}

// putFinalDelivery stores a last mail to the address that r gives up, or none when k is "". No other code writes such
// a delivery, so that it needs no condition.
func (tx *transaction) putFinalDelivery(e deltag.Event, r deltag.Registration, k deltag.MailKind, now time.Time) {
	if k == "" {
		return
	}
	d := deltag.NewFinalDelivery(e, r, k, now)
	d.Revision = 1
	tx.Put(encodeDelivery(d), always)
}

// condPreviousDelivery holds if the stored delivery is the state before d. A new delivery may replace one of an
// earlier registration of the same address: they have the same key, and another Generation.
func condPreviousDelivery(d deltag.Delivery) expression {
	previous := condRevision(d.Revision - 1)
	generation := item{":generation": avString(d.Generation)}
	switch {
	case d.Revision > 1 && d.Generation == "":
		return previous
	case d.Revision > 1:
		text := previous.text + " AND Generation = :generation"
		return expression{text: text, values: merge(previous.values, generation)}
	case d.Generation == "":
		return condNotExists
	}
	return condNotExistsOr("(attribute_exists(Generation) AND Generation <> :generation)", generation)
}

// condGeneration holds for a delivery of that generation, or when there is none.
func condGeneration(generation string) expression {
	if generation == "" {
		return expression{text: "attribute_not_exists(Generation)"}
	}
	return condNotExistsOr("Generation = :generation", item{":generation": avString(generation)})
}

// A toldDigestItem is the digest that an organiser's note tells.
type toldDigestItem struct {
	Confirmed, Waitlisted, NewConfirmed int
	IsFull, HasNews, MissesLink         bool
}

func toToldDigestItem(d *deltag.Digest) *toldDigestItem {
	if d == nil {
		return nil
	}
	return &toldDigestItem{
		Confirmed: d.Confirmed, Waitlisted: d.Waitlisted, NewConfirmed: d.NewConfirmed,
		IsFull: d.IsFull, HasNews: d.HasNews, MissesLink: d.MissesLink,
	}
}

func (v *toldDigestItem) digest() *deltag.Digest {
	if v == nil {
		return nil
	}
	return &deltag.Digest{
		Confirmed: v.Confirmed, Waitlisted: v.Waitlisted, NewConfirmed: v.NewConfirmed,
		IsFull: v.IsFull, HasNews: v.HasNews, MissesLink: v.MissesLink,
	}
}
