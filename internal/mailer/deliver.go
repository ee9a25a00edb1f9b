package mailer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"deltag/internal/deltag"
)

// A DeliveryStore keeps the rows of the mail ledger.
type DeliveryStore interface {
	// LoadDelivery reads a delivery with its event and registration. ErrNotFound when the row or the event is gone; a
	// registration that is gone is the zero value.
	LoadDelivery(ctx context.Context, key deltag.DeliveryKey) (
		deltag.Delivery, deltag.Event, deltag.Registration, error)
	Delivery(ctx context.Context, key deltag.DeliveryKey) (deltag.Delivery, error)
	// Claim stores a claimed delivery if its row and its registration are as they were read. ErrConflict: they are
	// not, or this very claim was stored before. ErrSuppressed: the address takes no such mail. ErrMailLimit: the
	// mailbox has had its mails of the day.
	Claim(ctx context.Context, d deltag.Delivery, r deltag.Registration) error
	// SaveDelivery stores the next state over the one before, or a new row. ErrConflict: the row is in another state,
	// as it is when the write is repeated.
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	// Delay stores that d, its next state, waits, and with it what it asks an address to verify. ErrConflict: the
	// row or the registration is gone, or in another state.
	Delay(ctx context.Context, d deltag.Delivery) error
	Suppression(ctx context.Context, a deltag.Address) (deltag.AddressStatus, error)
	// Noted lists those whom a KindOrganiserNote is about.
	Noted(ctx context.Context, note deltag.DeliveryKey) ([]deltag.Registration, error)
	// SetAddressStatus shows what is known of an address on its registration. It may be repeated. ErrNotFound: r is gone.
	SetAddressStatus(
		ctx context.Context, e deltag.Event, r deltag.Registration, status deltag.AddressStatus, now time.Time) error
	// Reputation is that of the account and of a network, some seconds old.
	Reputation(ctx context.Context, network string, now time.Time) (deltag.Reputation, error)
	// HasReceived says whether r's address has received mail.
	HasReceived(ctx context.Context, r deltag.Registration) (bool, error)
	// Hold stores that a delivery is skipped because of its network, and makes its recipient unverified. ErrConflict: the
	// row or the registration is gone, or in another state.
	Hold(ctx context.Context, e deltag.Event, r deltag.Registration, next deltag.Delivery, now time.Time) error
	// WaitlistPosition counts from 1.
	WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error)
}

// A Renderer makes the message of a mail for sending at now. ErrUnavailable if it is to be tried again.
type Renderer interface {
	Render(mail deltag.MailContext, now time.Time) ([]byte, error)
}

// A Sender submits a message to SES and never retries by itself: a second submission could be a second mail. It
// returns SES's message id, or ErrThrottled, ErrSendQuotaExceeded, ErrRejected, ErrSendingNotAllowed or ErrNotSubmitted
// of package deltag, after which the mail is certainly not out. After any other error it may be.
type Sender interface {
	Send(ctx context.Context, mail deltag.OutgoingMail) (messageID string, err error)
}

// maxConflictRetries is how often a delivery is decided anew because its row or registration was changed meanwhile. One
// that changes more often stays due for a later tick.
const maxConflictRetries = 4

// errDeadlineNear: at the present rate the mail would go out after the tick's deadline. Nothing was written.
var errDeadlineNear = errors.New("deadline too near to send")

// errQuotaExhausted: SES's daily quota is used up. The row is written and waits.
var errQuotaExhausted = errors.New("daily quota used up")

// deliver sends one row of the ledger if that is still to be done.
func (m *Mailer) deliver(ctx context.Context, key deltag.DeliveryKey) error {
	for range maxConflictRetries {
		d, e, r, err := m.Store.LoadDelivery(ctx, key)
		if errors.Is(err, deltag.ErrNotFound) {
			return nil // erased
		}
		if err != nil {
			return err
		}
		if !d.Claimable(m.Now()) {
			return nil
		}
		mail := d.MailContext(e, r)
		if mail.Text, err = m.customText(ctx, e, d); err != nil {
			return err
		}
		if d.Kind == deltag.KindOrganiserNote {
			mail.Digest = d.Digest.Current(e, m.Now())
			if mail.Noted, err = m.Store.Noted(ctx, key); err != nil {
				return err
			}
		}
		if err := m.send(ctx, d, mail); !errors.Is(err, deltag.ErrConflict) {
			return ignoreErrors(err, errDeadlineNear, errQuotaExhausted) // the row stays due
		}
	}
	return nil
}

// customText is the organiser's own paragraph.
func (m *Mailer) customText(ctx context.Context, e deltag.Event, d deltag.Delivery) (string, error) {
	switch d.Kind {
	case deltag.KindPreview:
		return d.Text, nil
	case deltag.KindMessage:
		mailing, err := m.Store.Mailing(ctx, deltag.MailingKey{EventID: e.ID, Kind: d.Kind, Version: d.Version})
		return mailing.Text, err
	}
	return e.MailText(d.Kind), nil
}

// send makes one attempt at a mail, by what was just read: it skips it, or renders, claims, submits and records. If the
// process dies after one of these steps:
//
//	render   nothing is written; the row is still due
//	claim    the row is due again after deltag.SendLease
//	submit   as after the claim; but if SES accepted the mail, its Send event settles the row before that
//	record   nothing is left to do
//
// ErrConflict: the row or the registration has changed since it was read. It and errDeadlineNear mean that nothing was
// sent.
func (m *Mailer) send(ctx context.Context, d deltag.Delivery, mail deltag.MailContext) error {
	if reason := skipReason(d, mail, m.Now()); reason != "" {
		return m.skip(ctx, d, mail, reason, m.Now())
	}
	if held, err := m.guardReputation(ctx, d, mail); held || err != nil {
		return err
	}
	if err := m.Limiter.Wait(ctx); err != nil {
		return errDeadlineNear
	}
	now := m.Now()
	if d.UnconfirmedSends() >= deltag.MaxUnconfirmedSends {
		m.Log.ErrorContext(ctx, "mail given up: SES never answered", "delivery", d.Tag())
		return m.saveOutcome(ctx, d.Fail(deltag.ReasonNoResponse, now))
	}
	var err error
	if mail.Kind == deltag.KindWaitlisted {
		if mail.WaitlistPosition, err = m.Store.WaitlistPosition(ctx, mail.Registration); err != nil {
			return err
		}
	}
	raw, err := m.Renderer.Render(mail, now)
	if errors.Is(err, deltag.ErrUnavailable) {
		return err
	}
	if err != nil {
		m.Log.ErrorContext(ctx, "mail not rendered", "delivery", d.Tag(), "error", err)
		return m.saveOutcome(ctx, d.Fail(deltag.ReasonRenderFailed, now))
	}
	d.Email = mail.Registration.Email
	claimed := d.Claim(now)
	err = m.Store.Claim(ctx, claimed, mail.Registration)
	switch {
	case errors.Is(err, deltag.ErrSuppressed):
		return m.skipSuppressed(ctx, d, mail, now)
	case errors.Is(err, deltag.ErrMailLimit):
		next := d.WaitForNextDay(now)
		return m.countIfStored(next, m.Store.Delay(ctx, next))
	case err != nil:
		return err
	}
	return m.submit(ctx, claimed, raw)
}

// submit gives a claimed delivery's message to SES and records the outcome.
func (m *Mailer) submit(ctx context.Context, d deltag.Delivery, raw []byte) error {
	id, err := m.Sender.Send(ctx, deltag.OutgoingMail{
		To: d.Email.ASCII(), Raw: raw, Delivery: d.DeliveryKey, Generation: d.Generation, Attempt: d.Attempt,
	})
	m.adjustRate(err)
	if recordErr := m.recordOutcome(ctx, d, id, err); recordErr != nil {
		return recordErr
	}
	if errors.Is(err, deltag.ErrSendQuotaExceeded) {
		return errQuotaExhausted
	}
	return nil
}

// skipReason adds one reason to the domain's: the registration that the mail was for is gone. Somebody who has signed
// up again since has the same id and another generation.
func skipReason(d deltag.Delivery, mail deltag.MailContext, now time.Time) deltag.Reason {
	if mail.Registration.ID == "" || d.Generation != mail.Registration.Generation() {
		return deltag.ReasonRegistrationGone
	}
	return mail.SkipReason(now)
}

// guardReputation holds a mail that may harm the sender's reputation: its address has never received any, and too much
// mail has bounced lately.
func (m *Mailer) guardReputation(ctx context.Context, d deltag.Delivery, mail deltag.MailContext) (held bool, err error) {
	if d.UnconfirmedSends() > 0 {
		return false, nil // it may be out
	}
	now := m.Now()
	reputation, err := m.Store.Reputation(ctx, d.NetworkHash, now)
	reason := reputation.GuardReason(d)
	if err != nil || reason == "" {
		return false, err
	}
	if received, err := m.Store.HasReceived(ctx, mail.Registration); received || err != nil {
		return false, err
	}
	if reason == deltag.ReasonReputation {
		next := d.WaitForReputation(now)
		return true, m.countIfStored(next, m.Store.Delay(ctx, next))
	}
	next := d.Skip(reason, now)
	return true, m.countIfStored(next, m.Store.Hold(ctx, mail.Event, mail.Registration, next, now))
}

// skip ends a delivery unsent. Somebody who signed up while the event was being cancelled was promised a mail on screen
// and may be missing from the mailing about the cancellation, so that mail is created for them first.
func (m *Mailer) skip(
	ctx context.Context, d deltag.Delivery, mail deltag.MailContext, reason deltag.Reason, now time.Time,
) error {
	r := mail.Registration
	if reason == deltag.ReasonEventCancelled && d.Kind.IsTransactional() && r.IsActive() {
		notice := deltag.NewDelivery(r, deltag.KindEventCancelled, mail.Event.ICalSequence, now)
		if err := ignoreErrors(m.Store.SaveDelivery(ctx, notice), deltag.ErrConflict); err != nil {
			return err
		}
	}
	return m.saveOutcome(ctx, d.Skip(reason, now))
}

// saveOutcome stores the result of an attempt, and counts it if that succeeds.
func (m *Mailer) saveOutcome(ctx context.Context, d deltag.Delivery) error {
	return m.countIfStored(d, m.Store.SaveDelivery(ctx, d))
}

// countIfStored counts the result of an attempt, unless err says that it was not stored. It returns err.
func (m *Mailer) countIfStored(d deltag.Delivery, err error) error {
	if err == nil {
		m.Metrics.addOutcome(d, m.Now())
	}
	return err
}

// skipSuppressed skips a mail whose claim was refused because of its address. That an address has bounced elsewhere is
// shown on its registration first, as if this mail had bounced: no event will say so. ErrConflict: the suppression was
// lifted meanwhile.
func (m *Mailer) skipSuppressed(ctx context.Context, d deltag.Delivery, mail deltag.MailContext, now time.Time) error {
	var err error
	if mail.Suppression, err = m.Store.Suppression(ctx, mail.Registration.Email); err != nil {
		return err
	}
	reason := mail.SkipReason(now)
	if reason == "" {
		return deltag.ErrConflict
	}
	if mail.Suppression == deltag.AddressBounced && d.DetachedRecipient == nil {
		err := m.Store.SetAddressStatus(ctx, mail.Event, mail.Registration, mail.Suppression, now)
		if err != nil {
			return ignoreErrors(err, deltag.ErrNotFound)
		}
	}
	return m.skip(ctx, d, mail, reason, now)
}

func (m *Mailer) adjustRate(err error) {
	switch {
	case err == nil:
		m.Limiter.speedUp()
	case errors.Is(err, deltag.ErrThrottled):
		m.Limiter.backOff()
	}
}

// recordOutcome writes down what SES answered. An SES event may be quicker than the answer: on a conflict the answer is
// applied to the row as it is then, where it never takes back what an event has settled.
func (m *Mailer) recordOutcome(ctx context.Context, d deltag.Delivery, id string, sendErr error) error {
	// The mail may be out, so the outcome is written even after the caller's deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownMargin)
	defer cancel()
	for range maxConflictRetries {
		next := applySendResult(d, id, sendErr, m.Now())
		err := m.saveOutcome(ctx, next)
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
			return nil // an event has settled what the answer left open
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
	case errors.Is(err, deltag.ErrSendingNotAllowed):
		return d.ScheduleRetry(deltag.ReasonNotAllowed, now)
	case errors.Is(err, deltag.ErrNotSubmitted):
		return d.ScheduleRetry(deltag.ReasonNotSubmitted, now)
	case errors.Is(err, deltag.ErrRejected):
		return d.Fail(deltag.ReasonRejected, now)
	}
	return d.MarkUnknown(now)
}

// logFailure logs what an operator may have to act on. Tags hold no personal data.
func (m *Mailer) logFailure(ctx context.Context, d deltag.Delivery, err error) {
	if err == nil {
		return
	}
	level := slog.LevelWarn
	if errors.Is(err, deltag.ErrSendingNotAllowed) || d.Status == deltag.DeliveryFailed {
		level = slog.LevelError // it doesn't mend itself
	}
	m.Log.Log(ctx, level, "mail not accepted", "delivery", d.Tag(), "status", string(d.Status),
		"reason", string(d.Reason), slog.Any("error", err))
}
