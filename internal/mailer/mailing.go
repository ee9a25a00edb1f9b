package mailer

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"

	"deltag/internal/deltag"
)

// A MailingStore keeps mailings and reads whom they are for.
type MailingStore interface {
	// Mailing returns ErrNotFound for a mailing that an edit of the event has replaced.
	Mailing(ctx context.Context, key deltag.MailingKey) (deltag.Mailing, error)
	// SaveMailing stores the next state over the one before. ErrConflict: another run or an edit was quicker. So a
	// repetition of a write that has gone through is ErrConflict too.
	SaveMailing(ctx context.Context, mailing deltag.Mailing) error
	// WithRecipients is a mailing together with its recipients, if they were picked.
	WithRecipients(ctx context.Context, mailing deltag.Mailing) (deltag.Mailing, error)
	Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error)
	// RegistrationsAfter returns a page of registrations in the order of their ids, from the first after the given id
	// on, and the id that the next page begins after, "" after the last. UnreadableError: some are left out.
	RegistrationsAfter(
		ctx context.Context, eventID, id string, limit int,
	) (page []deltag.Registration, next string, err error)
	// EventAndRegistration returns ErrNotFound when either is gone.
	EventAndRegistration(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error)
}

// A mailingRun takes a mailing through its event's registrations. It holds the mailing's lease.
type mailingRun struct {
	*Mailer
	mailing deltag.Mailing
	event   deltag.Event
	// unreadable are registrations and rows that got no mail. The others do; then it is the run's error.
	unreadable deltag.UnreadableError
}

// runMailing sends a mailing's pages until it is finished, obsolete or out of time. A checkpoint is saved after the
// rows of its page are written, and each row is claimed on its own, so the run may crash anywhere and be repeated from
// any checkpoint.
func (m *Mailer) runMailing(ctx context.Context, key deltag.MailingKey) error {
	run, err := m.claimMailing(ctx, key)
	if err != nil {
		return ignoreErrors(err, deltag.ErrConflict, deltag.ErrNotFound)
	}
	if run.mailing.Status != deltag.MailingRunning {
		return nil
	}
	if run.mailing, err = m.Store.WithRecipients(ctx, run.mailing); err != nil {
		return err
	}
	err = run.sendOrganiserCopy(ctx)
	for done := false; err == nil && !done; {
		done, err = run.next(ctx)
	}
	err = ignoreErrors(err, deltag.ErrConflict) // another run has the lease, or an edit has replaced the mailing
	return cmp.Or(err, run.unreadable.Err())
}

// claimMailing decides what becomes of a mailing that is due. Only a run whose mailing is MailingRunning may go on.
func (m *Mailer) claimMailing(ctx context.Context, key deltag.MailingKey) (mailingRun, error) {
	mailing, err := m.Store.Mailing(ctx, key)
	if err != nil {
		return mailingRun{}, err
	}
	now := m.Now()
	if mailing.NextRunAt.IsZero() || now.Before(mailing.NextRunAt) {
		return mailingRun{}, nil // done, or another run's lease
	}
	e, err := m.Store.Event(ctx, key.EventID)
	if err != nil {
		return mailingRun{}, err
	}
	run := mailingRun{Mailer: m, mailing: mailing, event: e}
	if reason := mailing.ObsoleteReason(e, now); reason != "" {
		return run, run.save(ctx, mailing.Discard(reason))
	}
	if mailing.Status == deltag.MailingPlanned && now.Before(mailing.DueAt) {
		counts, err := m.Store.Counts(ctx, e)
		if err != nil {
			return mailingRun{}, err
		}
		if start := mailing.StartAt(e, counts.Confirmed, m.Limiter.Rate()); now.Before(start) {
			return run, run.save(ctx, mailing.SuspendUntil(start))
		}
	}
	return run, run.save(ctx, mailing.Claim(now))
}

// next sends one page and saves a checkpoint. It says whether the run is over: the mailing is finished or obsolete, or
// a later tick goes on with it. After an error the lease runs out, and the page is repeated.
func (r *mailingRun) next(ctx context.Context) (done bool, err error) {
	if !r.hasTime(ctx) {
		return true, r.save(ctx, r.mailing.SuspendUntil(r.Now()))
	}
	page, nextPage, err := r.Store.RegistrationsAfter(ctx, r.event.ID, r.mailing.Cursor, r.PageSize)
	var unreadable deltag.UnreadableError
	if errors.As(err, &unreadable) {
		r.unreadable, err = append(r.unreadable, unreadable...), nil
	}
	if err != nil {
		return false, err
	}
	result, err := r.sendPage(ctx, page)
	if err != nil {
		return false, err
	}
	if nextPage == "" {
		return true, r.save(ctx, r.mailing.Finish())
	}
	if err := r.save(ctx, r.mailing.Checkpoint(nextPage, r.Now())); err != nil {
		return false, err
	}
	switch {
	case result.quotaExhausted:
		return true, r.save(ctx, r.mailing.SuspendUntil(r.Now().Add(deltag.QuotaBackoff)))
	case result.deadlineNear:
		return true, r.save(ctx, r.mailing.SuspendUntil(r.Now()))
	}
	if r.event, err = r.yieldToUrgent(ctx); err != nil {
		return false, err
	}
	if reason := r.mailing.ObsoleteReason(r.event, r.Now()); reason != "" {
		return true, r.save(ctx, r.mailing.Discard(reason))
	}
	return false, nil
}

// save stores the mailing's next state.
func (r *mailingRun) save(ctx context.Context, next deltag.Mailing) error {
	r.mailing = next
	return r.Store.SaveMailing(ctx, next)
}

// sendOrganiserCopy sends a reminder to the organiser who wants it, once, before all others.
func (r *mailingRun) sendOrganiserCopy(ctx context.Context) error {
	mailing := r.mailing
	first := mailing.Cursor == "" && mailing.CatchUpSince.IsZero()
	if !r.event.Organiser.ReceivesReminders || !mailing.Kind.IsReminder() || !first {
		return nil
	}
	d := deltag.NewOrganiserDelivery(r.event, mailing.Kind, mailing.Version, mailing.DueAt)
	err := r.createAndSend(ctx, d, mailing.MailContext(r.event, *d.DetachedRecipient))
	return ignoreErrors(err, errDeadlineNear, errQuotaExhausted)
}

// yieldToUrgent sends the mail that somebody waits for, and reads the event again: it may have been edited.
func (r *mailingRun) yieldToUrgent(ctx context.Context) (deltag.Event, error) {
	seen := map[deltag.DueTask]bool{}
	for more := true; more && r.hasTime(ctx); {
		var tasks []deltag.DueTask
		var err error
		if tasks, more, err = r.nextTasks(ctx, seen); err != nil {
			return deltag.Event{}, err
		}
		if errs := r.runPersonalTasks(ctx, tasks); len(errs) > 0 {
			r.Log.WarnContext(ctx, "due mail failed", "error", errors.Join(errs...))
		}
	}
	return r.Store.Event(ctx, r.event.ID)
}

// A pageResult says why some rows of a page, all of which are written, are not sent yet.
type pageResult struct{ deadlineNear, quotaExhausted bool }

// sendPage writes and sends the mail of each registration of a page, and counts it. An error means that some rows may
// be missing.
func (r *mailingRun) sendPage(ctx context.Context, page []deltag.Registration) (result pageResult, err error) {
	var sent, skipped atomic.Int64
	errs := forEach(page, r.Limiter.Concurrency(), func(reg deltag.Registration) error {
		if !r.mailing.Targets(reg) {
			return nil
		}
		mail := r.mailing.MailContext(r.event, reg)
		if mail.SkipReason(r.Now()) == "" {
			sent.Add(1)
		} else {
			skipped.Add(1)
		}
		d := deltag.NewDelivery(reg, r.mailing.Kind, r.mailing.Version, r.mailing.DueAt)
		return r.createAndSend(ctx, d, mail)
	})
	var failures []error
	var unreadable deltag.UnreadableError
	for _, err := range errs {
		switch {
		case errors.Is(err, errDeadlineNear):
			result.deadlineNear = true
		case errors.Is(err, errQuotaExhausted):
			result.quotaExhausted = true
		case errors.As(err, &unreadable):
			r.unreadable = append(r.unreadable, unreadable...)
		default:
			failures = append(failures, err)
		}
	}
	if len(failures) == 0 {
		r.mailing.Sent += int(sent.Load())
		r.mailing.Skipped += int(skipped.Load())
	}
	return result, errors.Join(failures...)
}

// createAndSend creates a mailing's row for one registration and sends it. A row that is there already, from an earlier
// run over this page, is sent if that is still to be done. errDeadlineNear, errQuotaExhausted: the row is written and
// waits.
func (r *mailingRun) createAndSend(ctx context.Context, d deltag.Delivery, mail deltag.MailContext) error {
	for range maxConflictRetries {
		err := r.send(ctx, d, mail)
		switch {
		case errors.Is(err, errDeadlineNear): // nothing is written yet
			if saveErr := r.Store.SaveDelivery(ctx, d); saveErr != nil {
				return ignoreErrors(saveErr, deltag.ErrConflict) // there is a row already
			}
			return err
		case !errors.Is(err, deltag.ErrConflict):
			return err
		}
		_, err = r.Store.Delivery(ctx, d.DeliveryKey)
		switch {
		case err == nil: // the row is there
			return r.deliver(ctx, d.DeliveryKey)
		case !errors.Is(err, deltag.ErrNotFound):
			return err
		}
		// No row, so the registration has changed since its page was read.
		mail.Event, mail.Registration, err = r.Store.EventAndRegistration(ctx, mail.Event.ID, mail.Registration.ID)
		if err != nil {
			return ignoreErrors(err, deltag.ErrNotFound) // erased
		}
		d = deltag.NewDelivery(mail.Registration, mail.Kind, mail.Version, mail.DueAt)
	}
	return deltag.ErrUnavailable
}
