package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// deliveryItem is a row of the mail ledger as it is stored. It is in the due index while open.
type deliveryItem struct {
	PK, SK         string
	GSI1PK         string `dynamodbav:",omitempty"`
	GSI1SK         string `dynamodbav:",omitempty"`
	EventID        string
	RegistrationID string
	Kind           string
	Version        int
	Email          string
	Status         string
	Reason         string `dynamodbav:",omitempty"`
	DueAt          string
	Attempt        int
	SentAt         string `dynamodbav:",omitempty"`
	MessageID      string `dynamodbav:",omitempty"`
	Revision       int
	History        []stepItem `dynamodbav:",omitempty"`
}

type stepItem struct {
	At, Status string
	Reason     string `dynamodbav:",omitempty"`
}

func newDeliveryItem(d deltag.Delivery) deliveryItem {
	pk, sk := mailKey(d.DeliveryKey)
	it := deliveryItem{
		PK: pk, SK: sk, EventID: d.EventID, RegistrationID: d.RegistrationID, Kind: string(d.Kind), Version: d.Version,
		Email: d.Email, Status: string(d.Status), Reason: string(d.Reason), DueAt: stamp(d.DueAt),
		Attempt: d.Attempt, SentAt: stamp(d.SentAt), MessageID: d.MessageID, Revision: d.Revision,
	}
	if !d.NextAt.IsZero() {
		it.GSI1PK, it.GSI1SK = duePK, stamp(d.NextAt)
	}
	for _, step := range d.History {
		it.History = append(it.History, stepItem{stamp(step.At), string(step.Status), string(step.Reason)})
	}
	return it
}

func decodeDelivery(it item) (deltag.Delivery, error) {
	v, err := decode[deliveryItem](it)
	d := deltag.Delivery{
		DeliveryKey: deltag.DeliveryKey{EventID: v.EventID, RegistrationID: v.RegistrationID, Kind: deltag.Kind(v.Kind), Version: v.Version},
		Email:       v.Email, Status: deltag.DeliveryStatus(v.Status), Reason: deltag.Reason(v.Reason),
		DueAt: unstamp(v.DueAt), NextAt: unstamp(v.GSI1SK), Attempt: v.Attempt, SentAt: unstamp(v.SentAt),
		MessageID: v.MessageID, Revision: v.Revision,
	}
	for _, step := range v.History {
		d.History = append(d.History, deltag.Step{
			At: unstamp(step.At), Status: deltag.DeliveryStatus(step.Status), Reason: deltag.Reason(step.Reason),
		})
	}
	return d, err
}

// putDelivery writes a new row. That there is none yet follows from the registration's condition beside it.
func (s *Store) putDelivery(d deltag.Delivery) types.TransactWriteItem {
	return s.put(encode(newDeliveryItem(d)), absent, nil)
}

// Due lists what the index says is due at now, the longest overdue first.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]deltag.Task, error) {
	out, err := s.page(ctx, query{index: "GSI1", pk: duePK, from: "0", to: stamp(now), limit: limit})
	if err != nil {
		return nil, err
	}
	tasks := make([]deltag.Task, 0, len(out.Items))
	for _, it := range out.Items {
		task, err := ParseTask(text(it, "PK"), text(it, "SK"))
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// Open reads a delivery with the event and the registration that decide about it, consistently, in one
// call. ErrNotFound when the row or the event is gone; a registration that is gone is the zero value.
func (s *Store) Open(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, deltag.Event, deltag.Registration, error) {
	pk, sk := mailKey(k)
	reg := regSK + k.RegistrationID
	found, err := s.getAll(ctx, key(pk, sk), key(pk, metaSK), key(pk, reg))
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
	if it := found[pk+reg]; it != nil {
		r, err3 = decodeRegistration(it)
	}
	return d, e, r, errors.Join(err, err2, err3)
}

// Claim stores a claimed delivery: if nobody else has claimed it, if the registration is still the one that was
// read, and if nothing is known against the address. ErrConflict: the row or the registration is another by now.
// deltag.ErrSuppressed: the address takes no such mail.
func (s *Store) Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error {
	hash, err := s.suppressionKey(ctx, r.Email)
	if err != nil {
		return err
	}
	row := s.put(encode(newDeliveryItem(d)), unchanged, was(d.Revision-1))
	if d.Revision == 1 { // a walk claims rows that it makes
		row = s.put(encode(newDeliveryItem(d)), freshOrWas, was(0))
	}
	suppressed := s.check(hash, absent, nil)
	if !d.Kind.Optional() {
		suppressed = s.check(hash, absent+" OR Mail = :complained", item{":complained": str(string(deltag.MailComplained))})
	}
	err = s.write(ctx, row, s.check(key(eventPK(r.EventID), regSK+r.ID), unchanged, was(r.Revision)), suppressed)
	if on(err, 2) {
		return deltag.ErrSuppressed
	}
	return err
}

// SaveDelivery stores d's next state, and a new row if there is none. ErrConflict when the stored one is
// not the one before.
func (s *Store) SaveDelivery(ctx context.Context, d deltag.Delivery) error {
	in := &dynamodb.PutItemInput{TableName: &s.table, Item: encode(newDeliveryItem(d))}
	switch d.Revision {
	case 0:
		in.ConditionExpression = optional(absent)
	case 1: // also a row that is made and decided in one step
		in.ConditionExpression, in.ExpressionAttributeValues = optional(freshOrWas), was(0)
	default:
		in.ConditionExpression, in.ExpressionAttributeValues = optional(unchanged), was(d.Revision-1)
	}
	_, err := s.client.PutItem(ctx, in)
	return failure("save delivery", err)
}

// Delivery reads one, consistently. ErrNotFound.
func (s *Store) Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error) {
	pk, sk := mailKey(k)
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
	out, err := s.page(ctx, query{pk: eventPK(eventID), prefix: mailSK, after: after, limit: limit})
	if err != nil {
		return nil, "", err
	}
	ds, err := decodeDeliveries(out.Items)
	return ds, writeCursor(out.LastEvaluatedKey), err
}

// DeliveriesOf lists one registration's ledger.
func (s *Store) DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error) {
	var items []item
	for it, err := range s.all(ctx, query{pk: eventPK(eventID), prefix: mailSK + registrationID + "#"}) {
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return decodeDeliveries(items)
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
