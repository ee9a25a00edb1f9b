package main

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/local"
)

// forgetting is the store, and has the recorder's disk forget whom the table forgets. In AWS no copy of a mail is kept.
type forgetting struct {
	*dynamo.Store
	recorder *local.Recorder
}

func (f forgetting) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := f.Store.Erase(ctx, e, r, now)
	for _, id := range append(r.Formerly, r.ID) {
		err = errors.Join(err, f.recorder.Forget(e.ID+"."+id+"."))
	}
	return err
}

func (f forgetting) Purge(ctx context.Context, eventID, registrationID string) error {
	return errors.Join(f.Store.Purge(ctx, eventID, registrationID), f.recorder.Forget(eventID+"."+registrationID+"."))
}

func (f forgetting) EraseEvent(ctx context.Context, eventID string, now time.Time) (bool, error) {
	done, err := f.Store.EraseEvent(ctx, eventID, now)
	if !done || err != nil {
		return done, err
	}
	e, err := f.Event(ctx, eventID)
	if err != nil || now.Before(e.ErasedAt()) { // it is to be kept for longer by now
		return true, err
	}
	return true, f.recorder.Forget(eventID + ".")
}
