package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// deliveryItem is a row of the mail ledger as it is stored. It is in the due index while it is active.
type deliveryItem struct {
	PK, SK            string
	GSI1PK            string `dynamodbav:",omitempty"`
	GSI1SK            string `dynamodbav:",omitempty"`
	EventID           string
	RegistrationID    string
	Kind              string
	Version           int
	Email             string
	NormalizedEmail   string
	Generation        string         `dynamodbav:",omitempty"`
	DetachedRecipient *recipientItem `dynamodbav:",omitempty"`
	Text              string         `dynamodbav:",omitempty"`
	Status            string
	Reason            string `dynamodbav:",omitempty"`
	DueAt             string
	Attempt           int
	SentAt            string `dynamodbav:",omitempty"`
	MessageID         string `dynamodbav:",omitempty"`
	Revision          int
	History           []statusChangeItem `dynamodbav:",omitempty"`
}

// recipientItem is the recipient of a mail that belongs to no stored registration.
type recipientItem struct {
	Name, Language, Status, AddressStatus string
	ConfirmedAt                           string `dynamodbav:",omitempty"`
	ICalSequence                          int
}

type statusChangeItem struct {
	At, Status string
	Reason     string `dynamodbav:",omitempty"`
}

func newDeliveryItem(d deltag.Delivery) deliveryItem {
	pk, sk := deliveryKey(d.DeliveryKey)
	it := deliveryItem{
		PK: pk, SK: sk,
		EventID: d.EventID, RegistrationID: d.RegistrationID, Kind: string(d.Kind), Version: d.Version,
		Email: d.Email.Original, NormalizedEmail: d.Email.Normalized, Generation: d.Generation, Text: d.Text,
		Status: string(d.Status), Reason: string(d.Reason), DueAt: formatTime(d.DueAt), Attempt: d.Attempt,
		SentAt: formatTime(d.SentAt), MessageID: d.MessageID, Revision: d.Revision,
	}
	if !d.NextAttemptAt.IsZero() {
		it.GSI1PK, it.GSI1SK = duePK, formatTime(d.NextAttemptAt)
	}
	if r := d.DetachedRecipient; r != nil {
		it.DetachedRecipient = &recipientItem{
			Name: r.Name, Language: string(r.Language), Status: string(r.Status),
			AddressStatus: string(r.AddressStatus), ConfirmedAt: formatTime(r.ConfirmedAt),
			ICalSequence: r.ICalSequence,
		}
	}
	for _, c := range d.History {
		it.History = append(it.History, statusChangeItem{formatTime(c.At), string(c.Status), string(c.Reason)})
	}
	return it
}

func decodeDelivery(it item) (deltag.Delivery, error) {
	v, err := decode[deliveryItem](it)
	d := deltag.Delivery{
		DeliveryKey: deltag.DeliveryKey{
			EventID: v.EventID, RegistrationID: v.RegistrationID, Kind: deltag.MailKind(v.Kind), Version: v.Version,
		},
		Email: deltag.Address{Original: v.Email, Normalized: v.NormalizedEmail}, Generation: v.Generation,
		Text: v.Text, Status: deltag.DeliveryStatus(v.Status), Reason: deltag.Reason(v.Reason),
		DueAt: parseTime(v.DueAt), NextAttemptAt: parseTime(v.GSI1SK), Attempt: v.Attempt, SentAt: parseTime(v.SentAt),
		MessageID: v.MessageID, Revision: v.Revision,
	}
	if r := v.DetachedRecipient; r != nil {
		d.DetachedRecipient = &deltag.Registration{
			EventID: v.EventID, ID: v.RegistrationID,
			Name: r.Name, Email: d.Email, Language: deltag.Language(r.Language),
			Status: deltag.RegistrationStatus(r.Status), AddressStatus: deltag.AddressStatus(r.AddressStatus),
			ConfirmedAt: parseTime(r.ConfirmedAt), ICalSequence: r.ICalSequence,
		}
	}
	for _, c := range v.History {
		d.History = append(d.History, deltag.StatusChange{
			At: parseTime(c.At), Status: deltag.DeliveryStatus(c.Status), Reason: deltag.Reason(c.Reason),
		})
	}
	return d, err
}

// Delivery reads a delivery.
// Errors: ErrNotFound.
func (s *Store) Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error) {
	pk, sk := deliveryKey(k)
	it, err := s.get(ctx, pk, sk)
	if err != nil {
		return deltag.Delivery{}, err
	}
	return decodeDelivery(it)
}

// Deliveries lists a page of an event's deliveries in the order of their registrations' ids, and the cursor of the
// next page, "" at the end. A page may be shorter than limit and not be the last.
// Errors: ValidationErrors, when cursor is not one of this list's.
func (s *Store) Deliveries(
	ctx context.Context, eventID, cursor string, limit int,
) ([]deltag.Delivery, string, error) {
	q, err := query{pk: eventPK(eventID), prefix: deliverySK, limit: limit}.startAfter(cursor)
	if err != nil {
		return nil, "", err
	}
	ds, last, err := decodePage(ctx, s, q, decodeDelivery)
	return ds, writeCursor(last), err
}

// DeliveriesOf lists all deliveries of a registration id.
func (s *Store) DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error) {
	items := s.queryAll(ctx, query{pk: eventPK(eventID), prefix: deliverySK + registrationID + "#"})
	return collect(decoded(items, decodeDelivery))
}

// LoadDelivery reads a delivery, its event and its recipient in one call. The recipient is the zero value when the
// registration is gone and the delivery has no detached recipient.
// Errors: ErrNotFound, when the delivery or the event is gone.
func (s *Store) LoadDelivery(
	ctx context.Context, k deltag.DeliveryKey,
) (d deltag.Delivery, e deltag.Event, recipient deltag.Registration, err error) {
	pk, sk := deliveryKey(k)
	registration := registrationSK + k.RegistrationID
	found, err := s.batchGet(ctx, key(pk, sk), key(pk, metaSK), key(pk, registration))
	if err != nil {
		return d, e, recipient, err
	}
	if found[pk+sk] == nil || found[pk+metaSK] == nil {
		return d, e, recipient, deltag.ErrNotFound
	}
	if d, err = decodeDelivery(found[pk+sk]); err != nil {
		return d, e, recipient, err
	}
	if e, err = decodeEvent(found[pk+metaSK]); err != nil {
		return d, e, recipient, err
	}
	if d.DetachedRecipient != nil {
		return d, e, *d.DetachedRecipient, nil
	}
	if it := found[pk+registration]; it != nil {
		recipient, err = decodeRegistration(it)
	}
	return d, e, recipient, err
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
	row := tx.Put(encode(newDeliveryItem(d)), condPreviousDelivery(d))
	suppression := tx.Check(key(suppressedPK(hash), suppressedSK), condNotSuppressed(d.Kind))
	if d.DetachedRecipient == nil {
		tx.Check(registrationKey(r.EventID, r.ID), condRevision(r.Revision))
	}
	var mailCount *action
	if d.Attempt == 1 && (d.Kind.IsTransactional() || d.Kind.IsFinal()) {
		claimedAt := d.History[len(d.History)-1].At
		k, err := s.mailCountKey(ctx, r.Email, claimedAt)
		if err != nil {
			return err
		}
		mailCount = tx.countMail(k, claimedAt)
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
		tx.Delete(key(deliveryKey(d.DeliveryKey)), condRevision(d.Revision-1))
		return tx.Commit(ctx)
	}
	d.Revision = max(1, d.Revision)
	return s.putItem(ctx, encode(newDeliveryItem(d)), condPreviousDelivery(d))
}

// putDelivery stores a new delivery.
func (tx *transaction) putDelivery(d deltag.Delivery) *action {
	d.Revision = 1
	return tx.Put(encode(newDeliveryItem(d)), condPreviousDelivery(d))
}

// putFinalDelivery stores a last mail to the address that r gives up, or none when k is "". No other code writes such
// a delivery, so that it needs no condition.
func (tx *transaction) putFinalDelivery(e deltag.Event, r deltag.Registration, k deltag.MailKind, now time.Time) {
	if k == "" {
		return
	}
	d := deltag.NewFinalDelivery(e, r, k, now)
	d.Revision = 1
	tx.Put(encode(newDeliveryItem(d)), always)
}

// condPreviousDelivery holds if the stored delivery is the state before d. A new delivery may replace one of an
// earlier registration of the same address: they have the same key, and another Generation.
func condPreviousDelivery(d deltag.Delivery) condition {
	previous := condRevision(d.Revision - 1)
	generation := item{":generation": avString(d.Generation)}
	switch {
	case d.Revision > 1 && d.Generation == "":
		return previous
	case d.Revision > 1:
		return condition{
			expr: previous.expr + " AND Generation = :generation", values: merge(previous.values, generation),
		}
	case d.Generation == "":
		return condNotExists
	}
	return condNotExistsOr("(attribute_exists(Generation) AND Generation <> :generation)", generation)
}

// condGeneration holds for a delivery of that generation, or when there is none.
func condGeneration(generation string) condition {
	if generation == "" {
		return condition{expr: "attribute_not_exists(Generation)"}
	}
	return condNotExistsOr("Generation = :generation", item{":generation": avString(generation)})
}
