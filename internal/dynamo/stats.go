package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
)

// statsItem is what stays of an event when its people are erased, beside the tallies.
type statsItem struct {
	PK, SK       string
	SignUpsByDay map[string]int            `dynamodbav:",omitempty"`
	Mails        map[string]map[string]int `dynamodbav:",omitempty"`
	Erasures     int
	ErasedAt     string `dynamodbav:",omitempty"`
}

// EventStats are an event's without its people: as they are now, or as they were when everything personal was erased.
func (s *Store) EventStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return deltag.EventStats{}, err
	}
	var n deltag.EventStats
	it, err := s.get(ctx, eventPK(e.ID), statsSK)
	switch {
	case err == nil:
		n, err = decodeStats(it)
	case isNotFound(err):
		n, err = s.computeStats(ctx, e)
	}
	n.Counts = counts
	return n, err
}

// snapshotStats stores them, once: what is erased later is in them.
func (s *Store) snapshotStats(ctx context.Context, e deltag.Event) error {
	_, err := s.get(ctx, eventPK(e.ID), statsSK)
	if !isNotFound(err) {
		return err
	}
	n, err := s.computeStats(ctx, e)
	if err != nil {
		return err
	}
	it := statsItem{PK: eventPK(e.ID), SK: statsSK, SignUpsByDay: n.SignUpsByDay, Erasures: n.Erasures, Mails: map[string]map[string]int{}}
	for kind, outcomes := range n.Mails {
		it.Mails[string(kind)] = map[string]int{}
		for status, count := range outcomes {
			it.Mails[string(kind)][string(status)] = count
		}
	}
	condition := condNotExists
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: encode(it), ConditionExpression: &condition})
	if err = wrapError("keep numbers", err); errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}

// computeStats reads all of an event once.
func (s *Store) computeStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	n := deltag.NewEventStats()
	for it, err := range s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: registrationSK}) {
		if err != nil {
			return n, err
		}
		r, err := decodeRegistration(it)
		if err != nil {
			return n, err
		}
		n.AddRegistration(e, r)
	}
	for it, err := range s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: deliverySK}) {
		if err != nil {
			return n, err
		}
		d, err := decodeDelivery(it)
		if err != nil {
			return n, err
		}
		n.AddDelivery(d)
	}
	for _, err := range s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: erasureSK}) {
		if err != nil {
			return n, err
		}
		n.Erasures++
	}
	return n, nil
}

func decodeStats(it item) (deltag.EventStats, error) {
	stored, err := decode[statsItem](it)
	n := deltag.NewEventStats()
	n.Erasures, n.ErasedAt = stored.Erasures, parseTime(stored.ErasedAt)
	if stored.SignUpsByDay != nil {
		n.SignUpsByDay = stored.SignUpsByDay
	}
	for kind, outcomes := range stored.Mails {
		n.Mails[deltag.MailKind(kind)] = map[deltag.DeliveryStatus]int{}
		for status, count := range outcomes {
			n.Mails[deltag.MailKind(kind)][deltag.DeliveryStatus(status)] = count
		}
	}
	return n, err
}
