package mailer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"deltag/internal/deltag"
)

// maxConflictRetries is how often a delivery is decided anew because something changed under it. A row or a
// registration that changes more often than that stays due and is taken up by a later tick.
const maxConflictRetries = 4

// errDeadlineNear: at the present pace the mail would go after the tick's time is over. Nothing was written.
var errDeadlineNear = errors.New("no time left")

// errQuotaExhausted: SES's daily quota is used up. The row says so and waits; so should all mail that nobody waits for.
var errQuotaExhausted = errors.New("daily quota used up")

// deliver sends one row of the ledger, if it is still to be sent.
func (m *Mailer) deliver(ctx context.Context, k deltag.DeliveryKey) error {
	for range maxConflictRetries {
		d, e, r, err := m.Store.LoadDelivery(ctx, k)
		if errors.Is(err, deltag.ErrNotFound) {
			return nil // erased
		}
		if err != nil {
			return err
		}
		if !d.Claimable(m.Now()) {
			return nil
		}
		l := deltag.MailContext{Event: e, Registration: r, Kind: d.Kind, Version: d.Version, DueAt: d.DueAt}
		if l.Text, err = m.customText(ctx, e, d); err != nil {
			return err
		}
		if err := m.send(ctx, d, l); !errors.Is(err, deltag.ErrConflict) {
			return ignoreErrors(err, errDeadlineNear, errQuotaExhausted) // the row stays due
		}
	}
	return nil
}

// customText is the organiser's own paragraph in a mail to all.
func (m *Mailer) customText(ctx context.Context, e deltag.Event, d deltag.Delivery) (string, error) {
	if d.Kind == deltag.KindPreview {
		return d.Text, nil
	}
	if d.Kind != deltag.KindMessage {
		return e.ReminderText(d.Kind), nil
	}
	mg, err := m.Store.Mailing(ctx, deltag.MailingKey{EventID: e.ID, Kind: d.Kind, Version: d.Version})
	return mg.Text, err
}

// send decides about a letter by what was just read, and takes it to the end of its attempt. What
// happens if the process ends after each step:
//
//	compose   nothing is written; the row is still due
//	claim     the row comes back after deltag.SettleTime
//	send      as after the claim; SES's own event tells that it was accepted, and settles the row before that
//	record    done
//
// ErrConflict: the row or the registration is not as it was read. errNoTime, errParked. Nothing was sent.
func (m *Mailer) send(ctx context.Context, d deltag.Delivery, l deltag.MailContext) error {
	if reason := skipReason(d, l, m.Now()); reason != "" {
		return m.skip(ctx, d, l, reason, m.Now())
	}
	if err := m.Limiter.Wait(ctx); err != nil {
		return errDeadlineNear
	}
	now := m.Now()
	if d.UnconfirmedSends() >= deltag.MaxUnconfirmedSends {
		return m.Store.SaveDelivery(ctx, d.Fail(deltag.ReasonNoResponse, now))
	}
	raw, err := m.render(ctx, l, now)
	if errors.Is(err, deltag.ErrUnavailable) {
		return err
	}
	if err != nil {
		m.Log.ErrorContext(ctx, "mail not composed", "delivery", d.Tag(), "error", err)
		return m.Store.SaveDelivery(ctx, d.Fail(deltag.ReasonRenderFailed, now))
	}
	d.Email = l.Registration.Email
	claimed := d.Claim(now)
	err = m.Store.Claim(ctx, claimed, l.Registration)
	switch {
	case errors.Is(err, deltag.ErrSuppressed):
		return m.skipSuppressed(ctx, d, l, now)
	case errors.Is(err, deltag.ErrMailLimit):
		return m.skip(ctx, d, l, deltag.ReasonDailyLimit, now)
	case err != nil:
		return err
	}
	id, err := m.Sender.Send(ctx, deltag.OutgoingMail{
		To: l.Registration.Email.ASCII(), Raw: raw, Delivery: d.DeliveryKey, Generation: d.Generation, Attempt: claimed.Attempt,
	})
	m.adjustRate(err)
	if recordErr := m.recordOutcome(ctx, claimed, id, err); recordErr != nil {
		return recordErr
	}
	if errors.Is(err, deltag.ErrSendQuotaExceeded) {
		return errQuotaExhausted
	}
	return nil
}

// skipReason is the domain's, and one more reason: whom it was for is gone, and maybe has signed up anew.
func skipReason(d deltag.Delivery, l deltag.MailContext, now time.Time) deltag.Reason {
	if l.Registration.ID == "" || d.Generation != l.Registration.Generation() {
		return deltag.ReasonRegistrationGone
	}
	return l.SkipReason(now)
}

// skip ends a delivery unsent. Somebody whose sign-up slipped in while the event was being cancelled has
// been told on screen that a mail comes; so they get the news first.
func (m *Mailer) skip(ctx context.Context, d deltag.Delivery, l deltag.MailContext, reason deltag.Reason, now time.Time) error {
	if reason == deltag.ReasonEventCancelled && d.Kind.IsTransactional() && l.Registration.Status != deltag.RegistrationCancelled {
		news := deltag.NewDelivery(l.Registration, deltag.KindEventCancelled, l.Event.ICalSequence, now)
		if err := m.Store.SaveDelivery(ctx, news); err != nil && !errors.Is(err, deltag.ErrConflict) {
			return err
		}
	}
	return m.Store.SaveDelivery(ctx, d.Skip(reason, now))
}

func (m *Mailer) skipSuppressed(ctx context.Context, d deltag.Delivery, l deltag.MailContext, now time.Time) error {
	state, err := m.Store.Suppression(ctx, l.Registration.Email)
	if err != nil {
		return err
	}
	l.Suppression = state
	reason := l.SkipReason(now)
	if reason == "" {
		return deltag.ErrConflict // it was lifted in the meantime: decide anew
	}
	return m.skip(ctx, d, l, reason, now)
}

func (m *Mailer) render(ctx context.Context, l deltag.MailContext, now time.Time) ([]byte, error) {
	if l.Kind == deltag.KindWaitlisted {
		var err error
		if l.WaitlistPosition, err = m.Store.WaitlistPosition(ctx, l.Registration); err != nil {
			return nil, err
		}
	}
	return m.Renderer.Render(l, now)
}

func (m *Mailer) adjustRate(err error) {
	switch {
	case err == nil:
		m.Limiter.recover()
	case errors.Is(err, deltag.ErrThrottled):
		m.Limiter.backOff()
	}
}

// recordOutcome writes down what SES said. A report of SES's may have been quicker than its answer, so on a conflict the
// answer is applied to the row as it is now.
func (m *Mailer) recordOutcome(ctx context.Context, d deltag.Delivery, id string, sendErr error) error {
	// The mail may be out: its outcome is written also when the caller's time has run out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownMargin)
	defer cancel()
	for range maxConflictRetries {
		next := applySendResult(d, id, sendErr, m.Now())
		err := m.Store.SaveDelivery(ctx, next)
		if !errors.Is(err, deltag.ErrConflict) {
			m.logFailure(ctx, next, sendErr)
			return err
		}
		stored, err := m.Store.Delivery(ctx, d.DeliveryKey)
		if errors.Is(err, deltag.ErrNotFound) || err == nil && stored.Generation != d.Generation {
			return nil // erased
		}
		if err != nil {
			return err
		}
		d = stored
		if sendErr != nil && d.Status != deltag.DeliverySending {
			return nil // a report has settled what the answer left open
		}
	}
	return fmt.Errorf("record %s: %w", d.Tag(), deltag.ErrUnavailable)
}

func applySendResult(d deltag.Delivery, id string, err error, now time.Time) deltag.Delivery {
	switch {
	case err == nil:
		return d.MarkSent(id, now)
	case errors.Is(err, deltag.ErrThrottled):
		return d.ScheduleRetry(deltag.ReasonThrottled, now)
	case errors.Is(err, deltag.ErrSendQuotaExceeded):
		return d.ScheduleRetry(deltag.ReasonSendQuota, now)
	case errors.Is(err, deltag.ErrNotSubmitted):
		return d.ScheduleRetry(deltag.ReasonNotSubmitted, now)
	case errors.Is(err, deltag.ErrRejected):
		return d.Fail(deltag.ReasonRejected, now)
	}
	return d.MarkUnknown(now)
}

// logFailure logs what an operator may have to act on. Tags hold no personal data.
func (m *Mailer) logFailure(ctx context.Context, d deltag.Delivery, err error) {
	if err != nil {
		m.Log.WarnContext(ctx, "mail not accepted", "delivery", d.Tag(), "status", string(d.Status),
			"reason", string(d.Reason), slog.Any("error", err))
	}
}
