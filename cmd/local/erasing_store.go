package main

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/local"
)

// An erasingStore also deletes the stored mails of the people whom the table erases. In AWS no copy of a mail is kept.
type erasingStore struct {
	*dynamo.Store
	ses *local.SESServer
}

func (s erasingStore) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := s.Store.Erase(ctx, e, r, now)
	for _, id := range append(r.PreviousIDs, r.ID) {
		err = errors.Join(err, s.ses.DeleteMailsTo(e.ID+"_"+id+"_"))
	}
	return err
}

func (s erasingStore) PurgeDeliveries(ctx context.Context, eventID, registrationID string) error {
	err := s.Store.PurgeDeliveries(ctx, eventID, registrationID)
	return errors.Join(err, s.ses.DeleteMailsTo(eventID+"_"+registrationID+"_"))
}

func (s erasingStore) Expire(ctx context.Context, eventID, registrationID string, now time.Time) error {
	if err := s.Store.Expire(ctx, eventID, registrationID, now); err != nil {
		return err
	}
	_, _, err := s.EventAndRegistration(ctx, eventID, registrationID)
	if !errors.Is(err, deltag.ErrNotFound) {
		return err
	}
	return s.ses.DeleteMailsTo(eventID + "_" + registrationID + "_")
}

func (s erasingStore) EraseEvent(ctx context.Context, eventID string, now time.Time) (bool, error) {
	done, err := s.Store.EraseEvent(ctx, eventID, now)
	if !done || err != nil {
		return done, err
	}
	e, err := s.Event(ctx, eventID)
	if errors.Is(err, deltag.ErrNotFound) { // deleted by its organiser
		return true, s.ses.DeleteMailsTo(eventID + "_")
	}
	if err != nil || now.Before(e.RetentionEndsAt()) { // the retention has been extended meanwhile
		return true, err
	}
	return true, s.ses.DeleteMailsTo(eventID + "_")
}
