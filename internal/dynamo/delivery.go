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
	Email          string         // as typed
	Identity       string         // as compared
	Mark           string         `dynamodbav:",omitempty"`
	Addressee      *addresseeItem `dynamodbav:",omitempty"`
	Text           string         `dynamodbav:",omitempty"`
	Status         string
	Reason         string `dynamodbav:",omitempty"`
	DueAt          string
	Attempt        int
	SentAt         string `dynamodbav:",omitempty"`
	MessageID      string `dynamodbav:",omitempty"`
	Revision       int
	History        []stepItem `dynamodbav:",omitempty"`
}

// addresseeItem is whom a mail is for that no registration stands behind.
type addresseeItem struct {
	Name, Language, Status, Mail string
	ConfirmedAt                  string `dynamodbav:",omitempty"`
	Sequence                     int
}

type stepItem struct {
	At, Status string
	Reason     string `dynamodbav:",omitempty"`
}

func newDeliveryItem(d deltag.Delivery) deliveryItem {
	pk, sk := mailKey(d.DeliveryKey)
	it := deliveryItem{
		PK: pk, SK: sk, EventID: d.EventID, RegistrationID: d.RegistrationID, Kind: string(d.Kind), Version: d.Version,
		Email: d.Email.Typed, Identity: d.Email.Identity, Mark: d.Mark, Text: d.Text, Status: string(d.Status), Reason: string(d.Reason), DueAt: stamp(d.DueAt),
		Attempt: d.Attempt, SentAt: stamp(d.SentAt), MessageID: d.MessageID, Revision: d.Revision,
	}
	if !d.NextAt.IsZero() {
		it.GSI1PK, it.GSI1SK = duePK, stamp(d.NextAt)
	}
	if a := d.Addressee; a != nil {
		it.Addressee = &addresseeItem{
			Name: a.Name, Language: string(a.Language), Status: string(a.Status), Mail: string(a.Mail),
			ConfirmedAt: stamp(a.ConfirmedAt), Sequence: a.Sequence,
		}
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
		Email:       deltag.Address{Typed: v.Email, Identity: v.Identity}, Mark: v.Mark, Text: v.Text, Status: deltag.DeliveryStatus(v.Status), Reason: deltag.Reason(v.Reason),
		DueAt: unstamp(v.DueAt), NextAt: unstamp(v.GSI1SK), Attempt: v.Attempt, SentAt: unstamp(v.SentAt),
		MessageID: v.MessageID, Revision: v.Revision,
	}
	if a := v.Addressee; a != nil {
		d.Addressee = &deltag.Registration{
			EventID: v.EventID, ID: v.RegistrationID, Name: a.Name, Email: d.Email, Language: deltag.Language(a.Language),
			Status: deltag.RegistrationStatus(a.Status), Mail: deltag.MailState(a.Mail), ConfirmedAt: unstamp(a.ConfirmedAt), Sequence: a.Sequence,
		}
	}
	for _, step := range v.History {
		d.History = append(d.History, deltag.Step{
			At: unstamp(step.At), Status: deltag.DeliveryStatus(step.Status), Reason: deltag.Reason(step.Reason),
		})
	}
	return d, err
}

// putDelivery writes a new row. That its registration has none of that name yet follows from the registration's condition
// beside it.
func (s *Store) putDelivery(d deltag.Delivery) types.TransactWriteItem {
	d.Revision = 1
	condition, values := following(d)
	return s.put(encode(newDeliveryItem(d)), condition, values)
}

// following is the condition for d's write: the stored row is the one before. A row of a former registration of the address,
// which was given up, is in nobody's way.
func following(d deltag.Delivery) (condition string, values item) {
	switch {
	case d.Revision > 1 && d.Mark == "":
		return unchanged, was(d.Revision - 1)
	case d.Revision > 1:
		return unchanged + " AND Mark = :mark", item{":was": num(d.Revision - 1), ":mark": str(d.Mark)}
	case d.Mark == "":
		return absent, nil
	}
	return absent + " OR (attribute_exists(Mark) AND Mark <> :mark)", item{":mark": str(d.Mark)}
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
// call. ErrNotFound when the row or the event is gone; a registration that is gone is the zero value, unless the row has its addressee.
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
	if it := found[pk+reg]; d.Addressee != nil {
		r = *d.Addressee
	} else if it != nil {
		r, err3 = decodeRegistration(it)
	}
	return d, e, r, errors.Join(err, err2, err3)
}

// Claim stores a claimed delivery: if nobody else has claimed it, if the registration is still the one that was
// read, and if nothing is known against the address. ErrConflict: the row or the registration is another by now.
// deltag.ErrSuppressed: the address takes no such mail. deltag.ErrTooManyMails: it has had deltag.MaxPerDay of its kind today.
func (s *Store) Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error {
	hash, err := s.hash(ctx, r.Email.Identity)
	if err != nil {
		return err
	}
	condition, values := following(d)
	suppressed := s.check(key(suppressedPK(hash), "-"), absent, nil)
	if !d.Kind.Optional() {
		suppressed = s.check(key(suppressedPK(hash), "-"), absent+" OR Mail = :complained", item{":complained": str(string(deltag.MailComplained))})
	}
	actions := []types.TransactWriteItem{s.put(encode(newDeliveryItem(d)), condition, values), suppressed}
	if d.Addressee == nil {
		actions = append(actions, s.check(key(eventPK(r.EventID), regSK+r.ID), unchanged, was(r.Revision)))
	}
	counted := d.Attempt == 1 && (d.Kind.Personal() || d.Kind.Parting())
	if counted {
		now := d.History[len(d.History)-1].At
		mails, err := s.mailsToday(ctx, r.Email, now)
		if err != nil {
			return err
		}
		actions = append(actions, s.countMail(mails, now))
	}
	err = s.write(ctx, actions...)
	switch {
	case on(err, 1):
		return deltag.ErrSuppressed
	case counted && on(err, len(actions)-1) && !on(err, 0):
		return deltag.ErrTooManyMails
	}
	return err
}

// SaveDelivery stores d's next state, and a new row if there is none. ErrConflict when the stored one is
// not the one before. A farewell goes with its outcome: nothing is to be left of an address that was given up.
func (s *Store) SaveDelivery(ctx context.Context, d deltag.Delivery) error {
	if d.Kind.Parting() && !d.Open() {
		return s.write(ctx, s.remove(key(mailKey(d.DeliveryKey)), unchanged, was(d.Revision-1)))
	}
	d.Revision = max(1, d.Revision)
	condition, values := following(d)
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: encode(newDeliveryItem(d)), ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
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
