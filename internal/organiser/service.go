// Package organiser holds the use cases of organisers: create, edit, move and cancel events, write to those who take
// part, and manage their registrations. The JSON API and the console both call it: the rules are here once.
//
// Every use case takes the Caller. It answers deltag.ErrForbidden, before anything is read, when the caller's role does
// not allow it. Its other errors are those of package deltag: any use case may return ErrUnavailable, and those that
// name an event or something of it ErrNotFound. Each comment says what a repetition does.
package organiser

import (
	"context"
	"errors"
	"io"
	"time"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// A Service holds the use cases.
type Service struct {
	Store  Store
	Random io.Reader // of the ids and secrets of new events
	// CheckDomain is asked before the address of a registration is stored and mailed to. It may be nil.
	CheckDomain address.DomainCheck
}

// A Caller is who asks for a use case, and when.
type Caller struct {
	deltag.Principal
	Now time.Time
}

// Every use case first calls one of these, directly or through updateEvent or newMessage: ErrForbidden, before anything
// is read.

func (c Caller) requireRead() error {
	if !c.MayRead() {
		return deltag.ErrForbidden
	}
	return nil
}

func (c Caller) requireEdit() error {
	if !c.MayEdit() {
		return deltag.ErrForbidden
	}
	return nil
}

func (s *Service) eventToRead(ctx context.Context, by Caller, id string) (deltag.Event, error) {
	if err := by.requireRead(); err != nil {
		return deltag.Event{}, err
	}
	return s.Store.Event(ctx, id)
}

func (s *Service) eventToEdit(ctx context.Context, by Caller, id string) (deltag.Event, error) {
	if err := by.requireEdit(); err != nil {
		return deltag.Event{}, err
	}
	return s.Store.Event(ctx, id)
}

// A Page is a part of a list. Next is the cursor of the following page, "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// fieldErrors are the ValidationErrors of err, if it is one.
func fieldErrors(err error) deltag.ValidationErrors {
	var invalid deltag.ValidationErrors
	errors.As(err, &invalid)
	return invalid
}
