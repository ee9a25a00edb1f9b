package main

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/local"
)

// erasingStore is the store, and has the recorder's disk forget whom the table forgets. In AWS no copy of a mail is kept.
type erasingStore struct {
	*dynamo.Store
	ses *local.SESServer
}

func (f erasingStore) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := f.Store.Erase(ctx, e, r, now)
	for _, id := range append(r.PreviousIDs, r.ID) {
		err = errors.Join(err, f.ses.DeleteMailsTo(e.ID+"."+id+"."))
	}
	return err
}

func (f erasingStore) PurgeDeliveries(ctx context.Context, eventID, registrationID string) error {
	return errors.Join(f.Store.PurgeDeliveries(ctx, eventID, registrationID), f.ses.DeleteMailsTo(eventID+"."+registrationID+"."))
}

func (f erasingStore) EraseEvent(ctx context.Context, eventID string, now time.Time) (bool, error) {
	done, err := f.Store.EraseEvent(ctx, eventID, now)
	if !done || err != nil {
		return done, err
	}
	e, err := f.Event(ctx, eventID)
	if err != nil || now.Before(e.RetentionEndsAt()) { // it is to be kept for longer by now
		return true, err
	}
	return true, f.ses.DeleteMailsTo(eventID + ".")
}
