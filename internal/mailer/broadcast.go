package mailer

import (
	"context"
	"errors"
	"sync/atomic"

	"deltag/internal/deltag"
)

// runMailing takes a mailing through the registrations, a page at a time. The cursor moves after a page's rows are
// written, and each row is claimed on its own, so it may be ended anywhere and repeated from any cursor.
func (m *Mailer) runMailing(ctx context.Context, k deltag.MailingKey) error {
	mg, e, err := m.claimMailing(ctx, k)
	if err != nil || mg.Status != deltag.MailingRunning {
		return ignoreErrors(err, deltag.ErrConflict, deltag.ErrNotFound)
	}
	if err := m.sendOrganiserCopy(ctx, mg, e); err != nil {
		return err
	}
	for m.hasTime(ctx) {
		page, err := m.Store.RegistrationsAfter(ctx, k.EventID, mg.Cursor, m.PageSize)
		if err != nil {
			return err
		}
		sent, skipped, err := m.sendPage(ctx, mg, e, page)
		late, parked := errors.Is(err, errDeadlineNear), errors.Is(err, errQuotaExhausted) // some rows wait, and so do the pages behind
		if err != nil && !late && !parked {
			return err // the lease ends, and the page is repeated
		}
		mg.Sent, mg.Skipped = mg.Sent+sent, mg.Skipped+skipped
		if len(page) < m.PageSize {
			return ignoreErrors(m.Store.SaveMailing(ctx, mg.Finish()), deltag.ErrConflict)
		}
		mg = mg.Checkpoint(page[len(page)-1].ID, m.Now())
		if err := m.Store.SaveMailing(ctx, mg); err != nil {
			return ignoreErrors(err, deltag.ErrConflict) // another walker has it, or an edit has replaced it
		}
		if parked {
			return ignoreErrors(m.Store.SaveMailing(ctx, mg.SuspendUntil(m.Now().Add(deltag.QuotaBackoff))), deltag.ErrConflict)
		}
		if late {
			break
		}
		if e, err = m.yieldToUrgent(ctx, k.EventID); err != nil {
			return err
		}
		if reason := mg.ObsoleteReason(e, m.Now()); reason != "" {
			return ignoreErrors(m.Store.SaveMailing(ctx, mg.Discard(reason)), deltag.ErrConflict)
		}
	}
	return ignoreErrors(m.Store.SaveMailing(ctx, mg.SuspendUntil(m.Now())), deltag.ErrConflict)
}

// sendOrganiserCopy reminds the organiser who wishes it, before all others.
func (m *Mailer) sendOrganiserCopy(ctx context.Context, mg deltag.Mailing, e deltag.Event) error {
	if !e.Organiser.ReceivesReminders || !mg.Kind.IsReminder() || mg.Cursor != "" || !mg.CatchUpSince.IsZero() {
		return nil
	}
	d := deltag.NewOrganiserDelivery(e, mg.Kind, mg.Version, mg.DueAt)
	return ignoreErrors(m.createAndSend(ctx, d, mg.MailContext(e, *d.DetachedRecipient)), errDeadlineNear, errQuotaExhausted)
}

// claimMailing claims a mailing that is due. What it returns is Walking only if it is this caller's to walk.
func (m *Mailer) claimMailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, deltag.Event, error) {
	mg, err := m.Store.Mailing(ctx, k)
	if err != nil {
		return deltag.Mailing{}, deltag.Event{}, err
	}
	now := m.Now()
	if mg.NextRunAt.IsZero() || now.Before(mg.NextRunAt) {
		return deltag.Mailing{}, deltag.Event{}, nil
	}
	e, err := m.Store.Event(ctx, k.EventID)
	if err != nil {
		return deltag.Mailing{}, deltag.Event{}, err
	}
	next := mg.Claim(now)
	if mg.Status == deltag.MailingPlanned && now.Before(mg.DueAt) {
		counts, err := m.Store.Counts(ctx, e)
		if err != nil {
			return deltag.Mailing{}, deltag.Event{}, err
		}
		if begin := mg.StartAt(e, counts.Confirmed, m.Limiter.Rate()); now.Before(begin) {
			next = mg.SuspendUntil(begin)
		}
	}
	if reason := mg.ObsoleteReason(e, now); reason != "" {
		next = mg.Discard(reason)
	}
	return next, e, m.Store.SaveMailing(ctx, next)
}

// yieldToUrgent lets mail that somebody waits for overtake, and reads the event anew.
func (m *Mailer) yieldToUrgent(ctx context.Context, eventID string) (deltag.Event, error) {
	tasks, err := m.Store.DueTasks(ctx, m.Now(), dueBatchSize)
	if err != nil {
		return deltag.Event{}, err
	}
	if faults := m.runPersonalTasks(ctx, tasks); len(faults) > 0 {
		m.Log.WarnContext(ctx, "due mail failed", "error", errors.Join(faults...))
	}
	return m.Store.Event(ctx, eventID)
}

// sendPage deals with each registration of a page. errNoTime or errParked: all have their row, but not all are sent.
func (m *Mailer) sendPage(ctx context.Context, mg deltag.Mailing, e deltag.Event, page []deltag.Registration) (sent, skipped int, err error) {
	var sends, skips atomic.Int64
	faults := forEach(page, m.Limiter.Concurrency(), func(r deltag.Registration) error {
		if !mg.Targets(r) {
			return nil
		}
		l := mg.MailContext(e, r)
		if l.SkipReason(m.Now()) == "" {
			sends.Add(1)
		} else {
			skips.Add(1)
		}
		return m.createAndSend(ctx, deltag.NewDelivery(r, mg.Kind, mg.Version, mg.DueAt), l)
	})
	for _, fault := range faults {
		if ignoreErrors(fault, errDeadlineNear, errQuotaExhausted) != nil {
			return 0, 0, errors.Join(faults...)
		}
	}
	return int(sends.Load()), int(skips.Load()), errors.Join(faults...)
}

// createAndSend makes the row of a letter of a walk and sends it. A row that is there already, from an earlier walk
// over this page, is taken up if it is still open.
func (m *Mailer) createAndSend(ctx context.Context, d deltag.Delivery, l deltag.MailContext) error {
	for range maxConflictRetries {
		err := m.send(ctx, d, l)
		if errors.Is(err, errDeadlineNear) {
			if saveErr := m.Store.SaveDelivery(ctx, d); saveErr != nil { // to be sent by the next tick
				err = ignoreErrors(saveErr, deltag.ErrConflict) // or there is a row already
			}
		}
		if !errors.Is(err, deltag.ErrConflict) {
			return err
		}
		if _, err := m.Store.Delivery(ctx, d.DeliveryKey); !errors.Is(err, deltag.ErrNotFound) {
			return errors.Join(err, m.deliver(ctx, d.DeliveryKey))
		}
		l.Event, l.Registration, err = m.Store.EventAndRegistration(ctx, l.Event.ID, l.Registration.ID)
		if err != nil {
			return ignoreErrors(err, deltag.ErrNotFound) // erased in the meantime
		}
		d = deltag.NewDelivery(l.Registration, l.Kind, l.Version, l.DueAt)
	}
	return deltag.ErrUnavailable
}

func ignoreErrors(err error, harmless ...error) error {
	for _, h := range harmless {
		if errors.Is(err, h) {
			return nil
		}
	}
	return err
}
