// Package mailing sends what is due. It claims a row of the ledger before it sends and records what became
// of it after, so that a crash anywhere loses nothing and repeats nothing but the one mail that SES
// may have accepted without our hearing of it.
package mailing

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// A Store is what the mailer needs of the table. Errors are those of package deltag: ErrConflict when a
// condition did not hold, ErrNotFound, ErrUnavailable. All reads but Due are consistent.
type Store interface {
	// Due names what the index says is due; an entry may be behind what the item itself says.
	Due(ctx context.Context, now time.Time, limit int) ([]deltag.Task, error)
	// Open reads a delivery with what decides about it. A registration that is gone is the zero value.
	Open(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, deltag.Event, deltag.Registration, error)
	// Claim stores a claimed delivery if the row and the registration are as they were read. ErrSuppressed:
	// the address takes no such mail. ErrTooManyMails: not today.
	Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error
	// SaveDelivery stores a delivery's next state over the one before.
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error)
	Suppression(ctx context.Context, a deltag.Address) (deltag.MailState, error)

	Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error)
	SaveMailing(ctx context.Context, m deltag.Mailing) error
	Event(ctx context.Context, id string) (deltag.Event, error)
	Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error)
	Visit(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error)
	// Walk is a page of registrations behind the id after; shorter than limit at the end.
	Walk(ctx context.Context, eventID, after string, limit int) ([]deltag.Registration, error)
	Place(ctx context.Context, r deltag.Registration) (int, error)

	// Recount checks an event's counted seats against its registrations and mends them. ErrConflict: it was disturbed.
	Recount(ctx context.Context, eventID string, now time.Time) (deltag.Recount, error)
	// Promote, Purge and EraseEvent do repairs that a function may have died over. All are harmless to repeat.
	Promote(ctx context.Context, eventID string, now time.Time) error
	Purge(ctx context.Context, eventID, registrationID string) error
	EraseEvent(ctx context.Context, eventID string, now time.Time) (done bool, err error)
}

// A Composer makes the message of a letter as it stands at now.
type Composer interface {
	Compose(l deltag.Letter, now time.Time) ([]byte, error)
}

// A Sender hands a message to SES, once: it never retries by itself. It answers SES's message id, or one of
// deltag.ErrThrottled, ErrQuota, ErrRejected, ErrNotHandedOver; any other error means that no answer was seen.
type Sender interface {
	Send(ctx context.Context, m deltag.Mail) (messageID string, err error)
}

// A Mailer sends. Any number may run at the same time, on one table.
type Mailer struct {
	Store    Store
	Composer Composer
	Sender   Sender
	Now      func() time.Time
	Log      *slog.Logger
	Pace     *Pace
	// Page is how many registrations a walk takes at a time.
	Page int
}

// New returns a mailer that sends at most perSecond.
func New(s Store, c Composer, out Sender, now func() time.Time, log *slog.Logger, perSecond float64) *Mailer {
	// A page is about a second's worth, after which others get their turn.
	page := min(max(10, int(perSecond)), 100)
	return &Mailer{Store: s, Composer: c, Sender: out, Now: now, Log: log, Pace: NewPace(perSecond), Page: page}
}

const (
	// tasksAtOnce is a page of the due index.
	tasksAtOnce = 100
	// reserve is what a tick leaves of its time to finish what it has begun.
	reserve = 10 * time.Second
)

// Tick does everything that is due, or as much as the context's time allows. Mail that somebody waits for
// goes first; a fault in one thing does not stop the others.
func (m *Mailer) Tick(ctx context.Context) error {
	var faults []error
	seen := map[deltag.Task]bool{}
	for m.timeLeft(ctx) {
		tasks, err := m.Store.Due(ctx, m.Now(), tasksAtOnce)
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		tasks = fresh(tasks, seen)
		if len(tasks) == 0 {
			break
		}
		faults = append(faults, m.direct(ctx, tasks)...)
		for _, t := range tasks {
			if err := m.bulk(ctx, t); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// Do does one task at once; the table's stream names it right after its write. Work on a whole event is left to
// the tick, so that the stream never waits behind it.
func (m *Mailer) Do(ctx context.Context, t deltag.Task) error {
	switch {
	case t.Delivery != deltag.DeliveryKey{}:
		return m.deliver(ctx, t.Delivery)
	case t.Promote:
		return m.Store.Promote(ctx, t.EventID, m.Now())
	case t.Purge != "":
		return m.Store.Purge(ctx, t.EventID, t.Purge)
	}
	return nil
}

// direct does the tasks that concern one person, several at a time.
func (m *Mailer) direct(ctx context.Context, tasks []deltag.Task) []error {
	var due []deltag.Task
	for _, t := range tasks {
		if t.Mailing == (deltag.MailingKey{}) && !t.Erase && !t.Recount {
			due = append(due, t)
		}
	}
	return together(due, m.Pace.Workers(), func(t deltag.Task) error {
		if !m.timeLeft(ctx) {
			return nil // it stays due
		}
		return m.Do(ctx, t)
	})
}

// bulk does a task that concerns all of an event.
func (m *Mailer) bulk(ctx context.Context, t deltag.Task) error {
	switch {
	case t.Mailing != deltag.MailingKey{}:
		return m.walk(ctx, t.Mailing)
	case t.Recount:
		return m.recount(ctx, t.EventID)
	case t.Erase:
		for m.timeLeft(ctx) {
			if done, err := m.Store.EraseEvent(ctx, t.EventID, m.Now()); done || err != nil {
				return err
			}
		}
	}
	return nil
}

// recount logs what was off. One that was disturbed is made by a later tick.
func (m *Mailer) recount(ctx context.Context, eventID string) error {
	r, err := m.Store.Recount(ctx, eventID, m.Now())
	if err == nil && r.Off() {
		m.Log.ErrorContext(ctx, "seats were off and have been mended", "event", eventID, "confirmed", r.Drift.Confirmed,
			"waiting", r.Drift.Waiting, "cancelled", r.Drift.Cancelled, "places", r.Places)
	}
	return ignore(err, deltag.ErrConflict)
}

// timeLeft says whether there is time to begin something.
func (m *Mailer) timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > reserve)
}

// fresh drops what this tick has seen: the index may name it again before it has caught up.
func fresh(tasks []deltag.Task, seen map[deltag.Task]bool) []deltag.Task {
	var unseen []deltag.Task
	for _, t := range tasks {
		if !seen[t] {
			seen[t] = true
			unseen = append(unseen, t)
		}
	}
	return unseen
}

// together runs do for each of list, n at a time, and gathers the errors.
func together[T any](list []T, n int, do func(T) error) []error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		faults []error
		slots  = make(chan struct{}, n)
	)
	for _, x := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := do(x); err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults = append(faults, err)
			}
		})
	}
	wg.Wait()
	return faults
}
