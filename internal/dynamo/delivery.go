package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// deliveryItem is a row of the mail ledger as it is stored. It is in the due index while open.
type deliveryItem struct {
	PK, SK            string
	GSI1PK            string `dynamodbav:",omitempty"`
	GSI1SK            string `dynamodbav:",omitempty"`
	EventID           string
	RegistrationID    string
	Kind              string
	Version           int
	Email             string         // as typed
	NormalizedEmail   string         // as compared
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

// recipientItem is whom a mail is for that no registration stands behind.
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
		PK: pk, SK: sk, EventID: d.EventID, RegistrationID: d.RegistrationID, Kind: string(d.Kind), Version: d.Version,
		Email: d.Email.Original, NormalizedEmail: d.Email.Normalized, Generation: d.Generation, Text: d.Text, Status: string(d.Status), Reason: string(d.Reason), DueAt: formatTime(d.DueAt),
		Attempt: d.Attempt, SentAt: formatTime(d.SentAt), MessageID: d.MessageID, Revision: d.Revision,
	}
	if !d.NextAttemptAt.IsZero() {
		it.GSI1PK, it.GSI1SK = duePK, formatTime(d.NextAttemptAt)
	}
	if a := d.DetachedRecipient; a != nil {
		it.DetachedRecipient = &recipientItem{
			Name: a.Name, Language: string(a.Language), Status: string(a.Status), AddressStatus: string(a.AddressStatus),
			ConfirmedAt: formatTime(a.ConfirmedAt), ICalSequence: a.ICalSequence,
		}
	}
	for _, step := range d.History {
		it.History = append(it.History, statusChangeItem{formatTime(step.At), string(step.Status), string(step.Reason)})
	}
	return it
}

func decodeDelivery(it item) (deltag.Delivery, error) {
	v, err := decode[deliveryItem](it)
	d := deltag.Delivery{
		DeliveryKey: deltag.DeliveryKey{EventID: v.EventID, RegistrationID: v.RegistrationID, Kind: deltag.MailKind(v.Kind), Version: v.Version},
		Email:       deltag.Address{Original: v.Email, Normalized: v.NormalizedEmail}, Generation: v.Generation, Text: v.Text, Status: deltag.DeliveryStatus(v.Status), Reason: deltag.Reason(v.Reason),
		DueAt: parseTime(v.DueAt), NextAttemptAt: parseTime(v.GSI1SK), Attempt: v.Attempt, SentAt: parseTime(v.SentAt),
		MessageID: v.MessageID, Revision: v.Revision,
	}
	if a := v.DetachedRecipient; a != nil {
		d.DetachedRecipient = &deltag.Registration{
			EventID: v.EventID, ID: v.RegistrationID, Name: a.Name, Email: d.Email, Language: deltag.Language(a.Language),
			Status: deltag.RegistrationStatus(a.Status), AddressStatus: deltag.AddressStatus(a.AddressStatus), ConfirmedAt: parseTime(a.ConfirmedAt), ICalSequence: a.ICalSequence,
		}
	}
	for _, step := range v.History {
		d.History = append(d.History, deltag.StatusChange{
			At: parseTime(step.At), Status: deltag.DeliveryStatus(step.Status), Reason: deltag.Reason(step.Reason),
		})
	}
	return d, err
}

func decodeDeliveries(items []item) ([]deltag.Delivery, error) {
	ds := make([]deltag.Delivery, len(items))
	for i, it := range items {
		var err error
		if ds[i], err = decodeDelivery(it); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// Delivery reads one, consistently. ErrNotFound.
func (s *Store) Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error) {
	pk, sk := deliveryKey(k)
	it, err := s.get(ctx, pk, sk)
	if err != nil {
		return deltag.Delivery{}, err
	}
	return decodeDelivery(it)
}

// Deliveries lists an event's ledger by registration.
func (s *Store) Deliveries(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Delivery, string, error) {
	after, err := readCursor(cursor, "PK", eventPK(eventID))
	if err != nil {
		return nil, "", err
	}
	out, err := s.queryPage(ctx, query{pk: eventPK(eventID), prefix: deliverySK, after: after, limit: limit})
	if err != nil {
		return nil, "", err
	}
	ds, err := decodeDeliveries(out.Items)
	return ds, writeCursor(out.LastEvaluatedKey), err
}

// DeliveriesOf lists one registration's ledger.
func (s *Store) DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error) {
	var items []item
	for it, err := range s.queryAll(ctx, query{pk: eventPK(eventID), prefix: deliverySK + registrationID + "#"}) {
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return decodeDeliveries(items)
}

// LoadDelivery reads a delivery with the event and the registration that decide about it, consistently, in one
// call. ErrNotFound when the row or the event is gone; a registration that is gone is the zero value, unless the row has its addressee.
func (s *Store) LoadDelivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, deltag.Event, deltag.Registration, error) {
	pk, sk := deliveryKey(k)
	reg := registrationSK + k.RegistrationID
	found, err := s.batchGet(ctx, key(pk, sk), key(pk, metaSK), key(pk, reg))
	if err != nil {
		return deltag.Delivery{}, deltag.Event{}, deltag.Registration{}, err
	}
	if found[pk+sk] == nil || found[pk+metaSK] == nil {
		return deltag.Delivery{}, deltag.Event{}, deltag.Registration{}, deltag.ErrNotFound
	}
	d, err := decodeDelivery(found[pk+sk])
	e, err2 := decodeEvent(found[pk+metaSK])
	var r deltag.Registration
	var err3 error
	if it := found[pk+reg]; d.DetachedRecipient != nil {
		r = *d.DetachedRecipient
	} else if it != nil {
		r, err3 = decodeRegistration(it)
	}
	return d, e, r, errors.Join(err, err2, err3)
}

// Claim stores a claimed delivery: if nobody else has claimed it, if the registration is still the one that was
// read, and if nothing is known against the address. ErrConflict: the row or the registration is another by now.
// deltag.ErrSuppressed: the address takes no such mail. deltag.ErrTooManyMails: it has had deltag.MaxPerDay of its kind today.
func (s *Store) Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error {
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return err
	}
	condition, values := ifPreviousRevision(d)
	suppressed := s.check(key(suppressedPK(hash), "-"), condNotExists, nil)
	if !d.Kind.IsUnsubscribable() {
		suppressed = s.check(key(suppressedPK(hash), "-"), condNotExists+" OR AddressStatus = :complained", item{":complained": avString(string(deltag.AddressComplained))})
	}
	actions := []types.TransactWriteItem{s.put(encode(newDeliveryItem(d)), condition, values), suppressed}
	if d.DetachedRecipient == nil {
		actions = append(actions, s.check(key(eventPK(r.EventID), registrationSK+r.ID), condRevision, revisionParam(r.Revision)))
	}
	counted := d.Attempt == 1 && (d.Kind.IsTransactional() || d.Kind.IsFinal())
	if counted {
		now := d.History[len(d.History)-1].At
		mails, err := s.mailCounterKey(ctx, r.Email, now)
		if err != nil {
			return err
		}
		actions = append(actions, s.incrementMailCount(mails, now))
	}
	err = s.transact(ctx, actions...)
	switch {
	case failedAt(err, 1):
		return deltag.ErrSuppressed
	case counted && failedAt(err, len(actions)-1) && !failedAt(err, 0):
		return deltag.ErrMailLimit
	}
	return err
}

// SaveDelivery stores d's next state, and a new row if there is none. ErrConflict when the stored one is
// not the one before. A farewell goes with its outcome: nothing is to be left of an address that was given up.
func (s *Store) SaveDelivery(ctx context.Context, d deltag.Delivery) error {
	if d.Kind.IsFinal() && !d.IsActive() {
		return s.transact(ctx, s.delete(key(deliveryKey(d.DeliveryKey)), condRevision, revisionParam(d.Revision-1)))
	}
	d.Revision = max(1, d.Revision)
	condition, values := ifPreviousRevision(d)
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: encode(newDeliveryItem(d)), ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	return wrapError("save delivery", err)
}

// putDelivery writes a new row. That its registration has none of that name yet follows from the registration's condition
// beside it.
func (s *Store) putDelivery(d deltag.Delivery) types.TransactWriteItem {
	d.Revision = 1
	condition, values := ifPreviousRevision(d)
	return s.put(encode(newDeliveryItem(d)), condition, values)
}

// ifPreviousRevision is the condition for d's write: the stored row is the one before. A row of a former registration of the address,
// which was given up, is in nobody's way.
func ifPreviousRevision(d deltag.Delivery) (condition string, values item) {
	switch {
	case d.Revision > 1 && d.Generation == "":
		return condRevision, revisionParam(d.Revision - 1)
	case d.Revision > 1:
		return condRevision + " AND Generation = :generation", item{":was": avNumber(d.Revision - 1), ":generation": avString(d.Generation)}
	case d.Generation == "":
		return condNotExists, nil
	}
	return condNotExists + " OR (attribute_exists(Generation) AND Generation <> :generation)", item{":generation": avString(d.Generation)}
}
