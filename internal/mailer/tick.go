// Package mailer sends what is due. It claims a delivery with a conditional write before it calls SES, and records the
// outcome after. A crash anywhere loses no mail, and repeats none but the one that SES may have accepted without its
// answer reaching us.
package mailer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// A Store is what the mailer needs of the table. All reads but DueTasks are consistent. Errors are those of package
// deltag: ErrNotFound; ErrConflict when a write's condition did not hold; ErrUnavailable when the call is worth
// repeating later.
type Store interface {
	// DueTasks lists what the due index shows at now: up to limit tasks that people may wait for, then as many others,
	// the longest overdue first. The index is eventually consistent: the item itself decides whether there is still
	// something to do. Fewer than limit altogether are all that there are.
	DueTasks(ctx context.Context, now time.Time, limit int) ([]deltag.DueTask, error)
	Event(ctx context.Context, id string) (deltag.Event, error)
	DeliveryStore
	MailingStore
	RepairStore
}

// A RepairStore completes what a function may have left undone when it died. Every call may be repeated.
type RepairStore interface {
	// Promote gives free seats to the first on the waitlist, until the event is full or nobody waits.
	Promote(ctx context.Context, eventID string, now time.Time) error
	// ReturnSeat makes a seat that was given up free, and CheckSeats those that a function had taken when it died, before
	// it used them.
	ReturnSeat(ctx context.Context, eventID, seat string, now time.Time) error
	CheckSeats(ctx context.Context, eventID string, now time.Time) error
	// PurgeDeliveries deletes the ledger rows of a registration that was erased.
	PurgeDeliveries(ctx context.Context, eventID, registrationID string) error
	// Expire erases what was not verified in time about a registration, and nothing before then.
	Expire(ctx context.Context, eventID, registrationID string, now time.Time) error
	// GiveBack gives the seat back of a registration whose address has been bouncing for a day, and nothing before then.
	GiveBack(ctx context.Context, eventID, registrationID string, now time.Time) error
	// Reconcile compares an event's counts, seat counter and waitlist with its registrations and corrects drift.
	// ErrConflict: something that was wrong changed meanwhile; what it returns was corrected before.
	Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error)
	// TellDigest puts the digest of an event into the organiser's note, and nothing before it is due. ErrConflict: somebody
	// else does so at the same time.
	TellDigest(ctx context.Context, eventID string, now time.Time) error
	// EraseEvent erases a page of what is personal about an event, and says whether that was the last.
	EraseEvent(ctx context.Context, eventID string, now time.Time) (done bool, err error)
	// PutOffTask moves a task of an event that is due at now to a later time. ErrConflict: it is not due any more.
	PutOffTask(ctx context.Context, t deltag.DueTask, now, next time.Time) error
}

// A Mailer does the tasks of the due index. Any number may run at the same time on one table.
type Mailer struct {
	Store    Store
	Renderer Renderer
	Sender   Sender
	Now      func() time.Time
	Log      *slog.Logger
	Limiter  *AdaptiveLimiter
	Metrics  Metrics
	// PageSize is how many registrations a mailing reads at a time.
	PageSize int
}

// New returns a mailer that sends at most perSecond mails a second.
func New(
	store Store, renderer Renderer, sender Sender, now func() time.Time, log *slog.Logger, perSecond float64,
) *Mailer {
	return &Mailer{
		Store: store, Renderer: renderer, Sender: sender, Now: now, Log: log, Limiter: NewAdaptiveLimiter(perSecond),
		// About a second's worth: urgent mail waits for a page at most.
		PageSize: min(max(10, int(perSecond)), 100),
	}
}

const (
	// dueBatchSize is how many entries of the due index are read at a time, and twice as many as long as all of them
	// have been tried already.
	dueBatchSize = 100
	// shutdownMargin is what a tick keeps of its time to finish what it has begun.
	shutdownMargin = 10 * time.Second
)

// RunDue does everything that is due, or as much as the context's deadline allows; the rest stays due. Mail that
// somebody waits for goes first, also if it becomes due between two tasks for whole events. A task that fails does not
// stop the others; all errors are returned.
func (m *Mailer) RunDue(ctx context.Context) error {
	var errs []error
	var eventTasks []deltag.DueTask
	seen := map[deltag.DueTask]bool{}
	for m.hasTime(ctx) {
		tasks, _, err := m.nextTasks(ctx, seen)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, m.runPersonalTasks(ctx, tasks)...)
		for _, t := range tasks {
			if !t.IsUrgent() {
				eventTasks = append(eventTasks, t)
			}
		}
		if len(eventTasks) == 0 {
			if len(tasks) == 0 {
				break
			}
			continue
		}
		next := eventTasks[0]
		eventTasks = eventTasks[1:]
		unfinished, err := m.runEventTask(ctx, next)
		if unfinished {
			delete(seen, next) // it is due again, behind all that is due now
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// nextTasks lists tasks that are due and not in seen, and adds them to it. Entries that stay due, because they can't be
// done, never hide what is behind them: it reads on until there is something new, or nothing more. More says whether
// there may be others behind those that it has read.
func (m *Mailer) nextTasks(
	ctx context.Context, seen map[deltag.DueTask]bool,
) (tasks []deltag.DueTask, more bool, err error) {
	for limit := dueBatchSize; ; limit *= 2 {
		tasks, err := m.Store.DueTasks(ctx, m.Now(), limit)
		if err != nil {
			return nil, false, err
		}
		m.Metrics.addDue(tasks, m.Now())
		unseen, more := withoutSeen(tasks, seen), len(tasks) >= limit
		if len(unseen) > 0 || !more {
			return unseen, more, nil
		}
	}
}

// RunTask does one personal task at once: the table's stream names it right after its write. Tasks for a whole event
// are left to RunDue, so that the stream never waits behind them.
func (m *Mailer) RunTask(ctx context.Context, t deltag.DueTask) error {
	switch t.Kind {
	case deltag.TaskDelivery:
		return m.deliver(ctx, t.Delivery)
	case deltag.TaskPromote:
		return m.Store.Promote(ctx, t.EventID, m.Now())
	case deltag.TaskReturnSeat:
		return m.Store.ReturnSeat(ctx, t.EventID, t.Seat, m.Now())
	case deltag.TaskCheckSeats:
		return m.Store.CheckSeats(ctx, t.EventID, m.Now())
	case deltag.TaskPurgeDeliveries:
		return m.Store.PurgeDeliveries(ctx, t.EventID, t.RegistrationID)
	case deltag.TaskExpire:
		return m.Store.Expire(ctx, t.EventID, t.RegistrationID, m.Now())
	case deltag.TaskGiveBack:
		return m.Store.GiveBack(ctx, t.EventID, t.RegistrationID, m.Now())
	}
	return nil
}

// runPersonalTasks does the tasks that concern one person, several at a time.
func (m *Mailer) runPersonalTasks(ctx context.Context, tasks []deltag.DueTask) []error {
	personal := slices.DeleteFunc(slices.Clone(tasks), func(t deltag.DueTask) bool { return !t.IsUrgent() })
	return forEach(personal, m.Limiter.Concurrency(), func(t deltag.DueTask) error {
		if !m.hasTime(ctx) {
			return nil // it stays due
		}
		return m.RunTask(ctx, t)
	})
}

// runEventTask does a task that concerns all of an event, or a part of it: then it is unfinished, and still due.
func (m *Mailer) runEventTask(ctx context.Context, t deltag.DueTask) (unfinished bool, err error) {
	switch t.Kind {
	case deltag.TaskMailing:
		return false, m.runMailing(ctx, t.Mailing)
	case deltag.TaskReconcile:
		return false, m.reconcile(ctx, t)
	case deltag.TaskEraseEvent:
		return m.eraseSlice(ctx, t)
	case deltag.TaskDigest:
		if !m.hasTime(ctx) {
			return false, nil // it stays due
		}
		return false, ignoreErrors(m.Store.TellDigest(ctx, t.EventID, m.Now()), deltag.ErrConflict)
	case deltag.TaskUnknown:
		m.Log.ErrorContext(ctx, "due item of an unknown kind passed over", "key", t.UnknownKey)
	}
	return false, nil
}

// pagesPerSlice is how many pages of an event are erased at a time: about a second's work.
const pagesPerSlice = 10

// eraseSlice erases some pages of an event's personal data. The task goes behind all that is due before anything is
// erased, so that other mail comes first after each slice, also if one never ends. If the process dies
//
//	before it is put off   nothing has happened
//	after                  the task is due, and the next slice goes on with what is left
func (m *Mailer) eraseSlice(ctx context.Context, t deltag.DueTask) (unfinished bool, err error) {
	if !m.hasTime(ctx) {
		return false, nil // it stays due
	}
	if err := m.Store.PutOffTask(ctx, t, m.Now(), m.Now()); err != nil {
		return false, ignoreErrors(err, deltag.ErrConflict)
	}
	for range pagesPerSlice {
		if done, err := m.Store.EraseEvent(ctx, t.EventID, m.Now()); done || err != nil {
			return false, err
		}
		if !m.hasTime(ctx) {
			break
		}
	}
	return true, nil
}

// reconcileBackoff is how long a reconciliation waits that was disturbed: sign-ups changed the counters meanwhile.
const reconcileBackoff = 10 * time.Minute

// reconcile corrects drift and logs it. It is put off before it begins: one that is disturbed by a rush, fails or dies
// begins again after reconcileBackoff, and nothing waits for it until then. One that succeeds is due the next day.
func (m *Mailer) reconcile(ctx context.Context, t deltag.DueTask) error {
	if !m.hasTime(ctx) {
		return nil // it stays due
	}
	if err := m.Store.PutOffTask(ctx, t, m.Now(), m.Now().Add(reconcileBackoff)); err != nil {
		return ignoreErrors(err, deltag.ErrConflict)
	}
	r, err := m.Store.Reconcile(ctx, t.EventID, m.Now())
	if r.HasDrift() {
		m.Log.ErrorContext(ctx, "counts had drifted and were corrected", "event", t.EventID,
			"seats", r.SeatDrift, "confirmed", r.Drift.Confirmed, "waiting", r.Drift.Waitlisted, "cancelled", r.Drift.Cancelled,
			"unverified", r.Drift.Unverified, "places", r.WaitlistRepairs)
	}
	return ignoreErrors(err, deltag.ErrConflict)
}

// hasTime says whether there is time to begin something.
func (m *Mailer) hasTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > shutdownMargin)
}

// withoutSeen drops the tasks that this tick has done already: the index may list them again until it has caught up.
func withoutSeen(tasks []deltag.DueTask, seen map[deltag.DueTask]bool) []deltag.DueTask {
	var unseen []deltag.DueTask
	for _, t := range tasks {
		t.DueAt = time.Time{} // a task that was put off is the same task
		if !seen[t] {
			seen[t] = true
			unseen = append(unseen, t)
		}
	}
	return unseen
}

// forEach calls do for each item, limit at a time, and returns the errors. One failure does not stop the others.
func forEach[T any](items []T, limit int, do func(T) error) []error {
	var wg sync.WaitGroup
	errs := make([]error, len(items))
	slots := make(chan struct{}, limit)
	for i, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(item)
		})
	}
	wg.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// ignoreErrors is nil for the errors that are harmless where it is called.
func ignoreErrors(err error, harmless ...error) error {
	if slices.ContainsFunc(harmless, func(h error) bool { return errors.Is(err, h) }) {
		return nil
	}
	return err
}
