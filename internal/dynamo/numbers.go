package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
)

// numbersItem is what stays of an event when its people are erased, beside the tallies.
type numbersItem struct {
	PK, SK       string
	SignUpsByDay map[string]int            `dynamodbav:",omitempty"`
	Mails        map[string]map[string]int `dynamodbav:",omitempty"`
	Erasures     int
	ErasedAt     string `dynamodbav:",omitempty"`
}

// Numbers are an event's without its people: as they are now, or as they were when everything personal was erased.
func (s *Store) Numbers(ctx context.Context, e deltag.Event) (deltag.Numbers, error) {
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return deltag.Numbers{}, err
	}
	var n deltag.Numbers
	it, err := s.get(ctx, eventPK(e.ID), numbersSK)
	switch {
	case err == nil:
		n, err = decodeNumbers(it)
	case isGone(err):
		n, err = s.takeNumbers(ctx, e)
	}
	n.Counts = counts
	return n, err
}

// keepNumbers stores them, once: what is erased later is in them.
func (s *Store) keepNumbers(ctx context.Context, e deltag.Event) error {
	_, err := s.get(ctx, eventPK(e.ID), numbersSK)
	if !isGone(err) {
		return err
	}
	n, err := s.takeNumbers(ctx, e)
	if err != nil {
		return err
	}
	it := numbersItem{PK: eventPK(e.ID), SK: numbersSK, SignUpsByDay: n.SignUpsByDay, Erasures: n.Erasures, Mails: map[string]map[string]int{}}
	for kind, outcomes := range n.Mails {
		it.Mails[string(kind)] = map[string]int{}
		for status, count := range outcomes {
			it.Mails[string(kind)][string(status)] = count
		}
	}
	condition := absent
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: encode(it), ConditionExpression: &condition})
	if err = failure("keep numbers", err); errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}

// takeNumbers reads all of an event once.
func (s *Store) takeNumbers(ctx context.Context, e deltag.Event) (deltag.Numbers, error) {
	n := deltag.NewNumbers()
	for it, err := range s.all(ctx, query{pk: eventPK(e.ID), prefix: regSK}) {
		if err != nil {
			return n, err
		}
		r, err := decodeRegistration(it)
		if err != nil {
			return n, err
		}
		n.SignUp(e, r)
	}
	for it, err := range s.all(ctx, query{pk: eventPK(e.ID), prefix: mailSK}) {
		if err != nil {
			return n, err
		}
		d, err := decodeDelivery(it)
		if err != nil {
			return n, err
		}
		n.Mail(d)
	}
	for _, err := range s.all(ctx, query{pk: eventPK(e.ID), prefix: receiptSK}) {
		if err != nil {
			return n, err
		}
		n.Erasures++
	}
	return n, nil
}

func decodeNumbers(it item) (deltag.Numbers, error) {
	stored, err := decode[numbersItem](it)
	n := deltag.NewNumbers()
	n.Erasures, n.ErasedAt = stored.Erasures, unstamp(stored.ErasedAt)
	if stored.SignUpsByDay != nil {
		n.SignUpsByDay = stored.SignUpsByDay
	}
	for kind, outcomes := range stored.Mails {
		n.Mails[deltag.Kind(kind)] = map[deltag.DeliveryStatus]int{}
		for status, count := range outcomes {
			n.Mails[deltag.Kind(kind)][deltag.DeliveryStatus(status)] = count
		}
	}
	return n, err
}
