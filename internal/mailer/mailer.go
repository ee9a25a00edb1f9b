// Package mailing sends what is due. It claims a row of the ledger before it sends and records what became
// of it after, so that a crash anywhere loses nothing and repeats nothing but the one mail that SES
// may have accepted without our hearing of it.
package mailer

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
	// DueTasks names what the index says is due; an entry may be behind what the item itself says.
	DueTasks(ctx context.Context, now time.Time, limit int) ([]deltag.DueTask, error)
	// LoadDelivery reads a delivery with what decides about it. A registration that is gone is the zero value.
	LoadDelivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, deltag.Event, deltag.Registration, error)
	// Claim stores a claimed delivery if the row and the registration are as they were read. ErrSuppressed:
	// the address takes no such mail. ErrTooManyMails: not today.
	Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error
	// SaveDelivery stores a delivery's next state over the one before.
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error)
	Suppression(ctx context.Context, a deltag.Address) (deltag.AddressStatus, error)

	Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error)
	SaveMailing(ctx context.Context, m deltag.Mailing) error
	Event(ctx context.Context, id string) (deltag.Event, error)
	Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error)
	EventAndRegistration(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error)
	// RegistrationsAfter is a page of registrations behind the id after; shorter than limit at the end.
	RegistrationsAfter(ctx context.Context, eventID, after string, limit int) ([]deltag.Registration, error)
	WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error)

	// Reconcile checks an event's counted seats against its registrations and mends them. ErrConflict: it was disturbed.
	Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error)
	// Promote, Purge and EraseEvent do repairs that a function may have died over. All are harmless to repeat.
	Promote(ctx context.Context, eventID string, now time.Time) error
	PurgeDeliveries(ctx context.Context, eventID, registrationID string) error
	EraseEvent(ctx context.Context, eventID string, now time.Time) (done bool, err error)
}

// A Renderer makes the message of a letter as it stands at now.
type Renderer interface {
	Render(l deltag.MailContext, now time.Time) ([]byte, error)
}

// A Sender hands a message to SES, once: it never retries by itself. It answers SES's message id, or one of
// deltag.ErrThrottled, ErrQuota, ErrRejected, ErrNotHandedOver; any other error means that no answer was seen.
type Sender interface {
	Send(ctx context.Context, m deltag.OutgoingMail) (messageID string, err error)
}

// A Mailer sends. Any number may run at the same time, on one table.
type Mailer struct {
	Store    Store
	Renderer Renderer
	Sender   Sender
	Now      func() time.Time
	Log      *slog.Logger
	Limiter  *AdaptiveLimiter
	// PageSize is how many registrations a walk takes at a time.
	PageSize int
}

// New returns a mailer that sends at most perSecond.
func New(s Store, c Renderer, out Sender, now func() time.Time, log *slog.Logger, perSecond float64) *Mailer {
	// A page is about a second's worth, after which others get their turn.
	page := min(max(10, int(perSecond)), 100)
	return &Mailer{Store: s, Renderer: c, Sender: out, Now: now, Log: log, Limiter: NewAdaptiveLimiter(perSecond), PageSize: page}
}

const (
	// dueBatchSize is a page of the due index.
	dueBatchSize = 100
	// shutdownMargin is what a tick leaves of its time to finish what it has begun.
	shutdownMargin = 10 * time.Second
)

// RunDue does everything that is due, or as much as the context's time allows. Mail that somebody waits for
// goes first; a fault in one thing does not stop the others.
func (m *Mailer) RunDue(ctx context.Context) error {
	var faults []error
	seen := map[deltag.DueTask]bool{}
	for m.hasTime(ctx) {
		tasks, err := m.Store.DueTasks(ctx, m.Now(), dueBatchSize)
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		tasks = withoutSeen(tasks, seen)
		if len(tasks) == 0 {
			break
		}
		faults = append(faults, m.runPersonalTasks(ctx, tasks)...)
		for _, t := range tasks {
			if err := m.runEventTask(ctx, t); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// RunTask does one task at once; the table's stream names it right after its write. Work on a whole event is left to
// the tick, so that the stream never waits behind it.
func (m *Mailer) RunTask(ctx context.Context, t deltag.DueTask) error {
	switch t.Kind {
	case deltag.TaskDelivery:
		return m.deliver(ctx, t.Delivery)
	case deltag.TaskPromote:
		return m.Store.Promote(ctx, t.EventID, m.Now())
	case deltag.TaskPurgeDeliveries:
		return m.Store.PurgeDeliveries(ctx, t.EventID, t.RegistrationID)
	}
	return nil
}

// runPersonalTasks does the tasks that concern one person, several at a time.
func (m *Mailer) runPersonalTasks(ctx context.Context, tasks []deltag.DueTask) []error {
	var due []deltag.DueTask
	for _, t := range tasks {
		if t.IsPersonal() {
			due = append(due, t)
		}
	}
	return forEach(due, m.Limiter.Concurrency(), func(t deltag.DueTask) error {
		if !m.hasTime(ctx) {
			return nil // it stays due
		}
		return m.RunTask(ctx, t)
	})
}

// runEventTask does a task that concerns all of an event.
func (m *Mailer) runEventTask(ctx context.Context, t deltag.DueTask) error {
	switch t.Kind {
	case deltag.TaskMailing:
		return m.runMailing(ctx, t.Mailing)
	case deltag.TaskReconcile:
		return m.reconcile(ctx, t.EventID)
	case deltag.TaskEraseEvent:
		for m.hasTime(ctx) {
			if done, err := m.Store.EraseEvent(ctx, t.EventID, m.Now()); done || err != nil {
				return err
			}
		}
	}
	return nil
}

// reconcile logs what was off. One that was disturbed is made by a later tick.
func (m *Mailer) reconcile(ctx context.Context, eventID string) error {
	r, err := m.Store.Reconcile(ctx, eventID, m.Now())
	if err == nil && r.HasDrift() {
		m.Log.ErrorContext(ctx, "seats were off and have been mended", "event", eventID, "confirmed", r.Drift.Confirmed,
			"waiting", r.Drift.Waitlisted, "cancelled", r.Drift.Cancelled, "places", r.WaitlistRepairs)
	}
	return ignoreErrors(err, deltag.ErrConflict)
}

// hasTime says whether there is time to begin something.
func (m *Mailer) hasTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > shutdownMargin)
}

// withoutSeen drops what this tick has seen: the index may name it again before it has caught up.
func withoutSeen(tasks []deltag.DueTask, seen map[deltag.DueTask]bool) []deltag.DueTask {
	var unseen []deltag.DueTask
	for _, t := range tasks {
		if !seen[t] {
			seen[t] = true
			unseen = append(unseen, t)
		}
	}
	return unseen
}

// forEach runs do for each of list, n at a time, and gathers the errors.
func forEach[T any](list []T, n int, do func(T) error) []error {
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
