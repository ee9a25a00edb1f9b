package mailing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"deltag/internal/deltag"
)

// rereads is how often a delivery is decided anew because something changed under it. A row or a
// registration that changes more often than that stays due and is taken up by a later tick.
const rereads = 4

// errNoTime: at the present pace the mail would go after the tick's time is over. Nothing was written.
var errNoTime = errors.New("no time left")

// errParked: SES's daily quota is used up. The row says so and waits; so should all mail that nobody waits for.
var errParked = errors.New("daily quota used up")

// deliver sends one row of the ledger, if it is still to be sent.
func (m *Mailer) deliver(ctx context.Context, k deltag.DeliveryKey) error {
	for range rereads {
		d, e, r, err := m.Store.Open(ctx, k)
		if errors.Is(err, deltag.ErrNotFound) {
			return nil // erased
		}
		if err != nil {
			return err
		}
		if !d.Claimable(m.Now()) {
			return nil
		}
		l := deltag.Letter{Event: e, Registration: r, Kind: d.Kind, Version: d.Version, DueAt: d.DueAt}
		if l.Text, err = m.text(ctx, e, d); err != nil {
			return err
		}
		if err := m.dispatch(ctx, d, l); !errors.Is(err, deltag.ErrConflict) {
			return ignore(err, errNoTime, errParked) // the row stays due
		}
	}
	return nil
}

// text is the organiser's own paragraph in a mail to all.
func (m *Mailer) text(ctx context.Context, e deltag.Event, d deltag.Delivery) (string, error) {
	if d.Kind == deltag.Preview {
		return d.Text, nil
	}
	if d.Kind != deltag.Message {
		return e.Text(d.Kind), nil
	}
	mg, err := m.Store.Mailing(ctx, deltag.MailingKey{EventID: e.ID, Kind: d.Kind, Version: d.Version})
	return mg.Text, err
}

// dispatch decides about a letter by what was just read, and takes it to the end of its attempt. What
// happens if the process ends after each step:
//
//	compose   nothing is written; the row is still due
//	claim     the row comes back after deltag.SettleTime
//	send      as after the claim; SES's own event tells that it was accepted, and settles the row before that
//	record    done
//
// ErrConflict: the row or the registration is not as it was read. errNoTime, errParked. Nothing was sent.
func (m *Mailer) dispatch(ctx context.Context, d deltag.Delivery, l deltag.Letter) error {
	if reason := verdict(d, l, m.Now()); reason != "" {
		return m.skip(ctx, d, l, reason, m.Now())
	}
	if err := m.Pace.Wait(ctx); err != nil {
		return errNoTime
	}
	now := m.Now()
	if d.Handovers() >= deltag.MaxHandovers {
		return m.Store.SaveDelivery(ctx, d.Fail(deltag.NoAnswer, now))
	}
	raw, err := m.compose(ctx, l, now)
	if errors.Is(err, deltag.ErrUnavailable) {
		return err
	}
	if err != nil {
		m.Log.ErrorContext(ctx, "mail not composed", "delivery", d.Tag(), "error", err)
		return m.Store.SaveDelivery(ctx, d.Fail(deltag.NotComposed, now))
	}
	d.Email = l.Registration.Email
	claimed := d.Claim(now)
	err = m.Store.Claim(ctx, claimed, l.Registration)
	switch {
	case errors.Is(err, deltag.ErrSuppressed):
		return m.skipSuppressed(ctx, d, l, now)
	case errors.Is(err, deltag.ErrTooManyMails):
		return m.skip(ctx, d, l, deltag.TooManyToday, now)
	case err != nil:
		return err
	}
	id, err := m.Sender.Send(ctx, deltag.Mail{
		To: l.Registration.Email.ASCII(), Raw: raw, Delivery: d.DeliveryKey, Mark: d.Mark, Attempt: claimed.Attempt,
	})
	m.adjust(err)
	if recordErr := m.record(ctx, claimed, id, err); recordErr != nil {
		return recordErr
	}
	if errors.Is(err, deltag.ErrQuota) {
		return errParked
	}
	return nil
}

// verdict is the domain's, and one more reason: whom it was for is gone, and maybe has signed up anew.
func verdict(d deltag.Delivery, l deltag.Letter, now time.Time) deltag.Reason {
	if l.Registration.ID == "" || d.Mark != l.Registration.Mark() {
		return deltag.RegistrationGone
	}
	return l.Verdict(now)
}

// skip ends a delivery unsent. Somebody whose sign-up slipped in while the event was being cancelled has
// been told on screen that a mail comes; so they get the news first.
func (m *Mailer) skip(ctx context.Context, d deltag.Delivery, l deltag.Letter, reason deltag.Reason, now time.Time) error {
	if reason == deltag.EventCancelled && d.Kind.Personal() && l.Registration.Status != deltag.Withdrawn {
		news := deltag.NewDelivery(l.Registration, deltag.CancelledNote, l.Event.Sequence, now)
		if err := m.Store.SaveDelivery(ctx, news); err != nil && !errors.Is(err, deltag.ErrConflict) {
			return err
		}
	}
	return m.Store.SaveDelivery(ctx, d.Skip(reason, now))
}

func (m *Mailer) skipSuppressed(ctx context.Context, d deltag.Delivery, l deltag.Letter, now time.Time) error {
	state, err := m.Store.Suppression(ctx, l.Registration.Email)
	if err != nil {
		return err
	}
	l.Address = state
	reason := l.Verdict(now)
	if reason == "" {
		return deltag.ErrConflict // it was lifted in the meantime: decide anew
	}
	return m.skip(ctx, d, l, reason, now)
}

func (m *Mailer) compose(ctx context.Context, l deltag.Letter, now time.Time) ([]byte, error) {
	if l.Kind == deltag.WaitingNote {
		var err error
		if l.Place, err = m.Store.Place(ctx, l.Registration); err != nil {
			return nil, err
		}
	}
	return m.Composer.Compose(l, now)
}

func (m *Mailer) adjust(err error) {
	switch {
	case err == nil:
		m.Pace.faster()
	case errors.Is(err, deltag.ErrThrottled):
		m.Pace.slower()
	}
}

// record writes down what SES said. A report of SES's may have been quicker than its answer, so on a conflict the
// answer is applied to the row as it is now.
func (m *Mailer) record(ctx context.Context, d deltag.Delivery, id string, sendErr error) error {
	// The mail may be out: its outcome is written also when the caller's time has run out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserve)
	defer cancel()
	for range rereads {
		next := outcome(d, id, sendErr, m.Now())
		err := m.Store.SaveDelivery(ctx, next)
		if !errors.Is(err, deltag.ErrConflict) {
			m.report(ctx, next, sendErr)
			return err
		}
		stored, err := m.Store.Delivery(ctx, d.DeliveryKey)
		if errors.Is(err, deltag.ErrNotFound) || err == nil && stored.Mark != d.Mark {
			return nil // erased
		}
		if err != nil {
			return err
		}
		d = stored
		if sendErr != nil && d.Status != deltag.Sending {
			return nil // a report has settled what the answer left open
		}
	}
	return fmt.Errorf("record %s: %w", d.Tag(), deltag.ErrUnavailable)
}

func outcome(d deltag.Delivery, id string, err error, now time.Time) deltag.Delivery {
	switch {
	case err == nil:
		return d.Accept(id, now)
	case errors.Is(err, deltag.ErrThrottled):
		return d.PutOff(deltag.Throttled, now)
	case errors.Is(err, deltag.ErrQuota):
		return d.PutOff(deltag.QuotaUsedUp, now)
	case errors.Is(err, deltag.ErrNotHandedOver):
		return d.PutOff(deltag.NotHandedOver, now)
	case errors.Is(err, deltag.ErrRejected):
		return d.Fail(deltag.RejectedBySES, now)
	}
	return d.Lose(now)
}

// report logs what an operator may have to act on. Tags hold no personal data.
func (m *Mailer) report(ctx context.Context, d deltag.Delivery, err error) {
	if err != nil {
		m.Log.WarnContext(ctx, "mail not accepted", "delivery", d.Tag(), "status", string(d.Status),
			"reason", string(d.Reason), slog.Any("error", err))
	}
}
