package mailing

import (
	"context"
	"errors"
	"sync/atomic"

	"deltag/internal/deltag"
)

// walk takes a mailing through the registrations, a page at a time. The cursor moves after a page's rows are
// written, and each row is claimed on its own, so it may be ended anywhere and repeated from any cursor.
func (m *Mailer) walk(ctx context.Context, k deltag.MailingKey) error {
	mg, e, err := m.begin(ctx, k)
	if err != nil || mg.Status != deltag.Walking {
		return ignore(err, deltag.ErrConflict, deltag.ErrNotFound)
	}
	if err := m.host(ctx, mg, e); err != nil {
		return err
	}
	for m.timeLeft(ctx) {
		page, err := m.Store.Walk(ctx, k.EventID, mg.Cursor, m.Page)
		if err != nil {
			return err
		}
		sent, skipped, err := m.page(ctx, mg, e, page)
		late, parked := errors.Is(err, errNoTime), errors.Is(err, errParked) // some rows wait, and so do the pages behind
		if err != nil && !late && !parked {
			return err // the lease ends, and the page is repeated
		}
		mg.Sent, mg.Skipped = mg.Sent+sent, mg.Skipped+skipped
		if len(page) < m.Page {
			return ignore(m.Store.SaveMailing(ctx, mg.Finish()), deltag.ErrConflict)
		}
		mg = mg.Advance(page[len(page)-1].ID, m.Now())
		if err := m.Store.SaveMailing(ctx, mg); err != nil {
			return ignore(err, deltag.ErrConflict) // another walker has it, or an edit has replaced it
		}
		if parked {
			return ignore(m.Store.SaveMailing(ctx, mg.Pause(m.Now().Add(deltag.QuotaWait))), deltag.ErrConflict)
		}
		if late {
			break
		}
		if e, err = m.giveWay(ctx, k.EventID); err != nil {
			return err
		}
		if reason := mg.Pointless(e, m.Now()); reason != "" {
			return ignore(m.Store.SaveMailing(ctx, mg.Drop(reason)), deltag.ErrConflict)
		}
	}
	return ignore(m.Store.SaveMailing(ctx, mg.Pause(m.Now())), deltag.ErrConflict)
}

// host reminds the organiser who wishes it, before all others.
func (m *Mailer) host(ctx context.Context, mg deltag.Mailing, e deltag.Event) error {
	if !e.Organiser.Reminded || !mg.Kind.Reminder() || mg.Cursor != "" || !mg.Sweep.IsZero() {
		return nil
	}
	d := deltag.ToHost(e, mg.Kind, mg.Version, mg.DueAt)
	return ignore(m.first(ctx, d, mg.Letter(e, *d.Addressee)), errNoTime, errParked)
}

// begin claims a mailing that is due. What it returns is Walking only if it is this caller's to walk.
func (m *Mailer) begin(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, deltag.Event, error) {
	mg, err := m.Store.Mailing(ctx, k)
	if err != nil {
		return deltag.Mailing{}, deltag.Event{}, err
	}
	now := m.Now()
	if mg.NextAt.IsZero() || now.Before(mg.NextAt) {
		return deltag.Mailing{}, deltag.Event{}, nil
	}
	e, err := m.Store.Event(ctx, k.EventID)
	if err != nil {
		return deltag.Mailing{}, deltag.Event{}, err
	}
	next := mg.Claim(now)
	if mg.Status == deltag.Planned && now.Before(mg.DueAt) {
		counts, err := m.Store.Counts(ctx, e)
		if err != nil {
			return deltag.Mailing{}, deltag.Event{}, err
		}
		if begin := mg.BeginsAt(e, counts.Confirmed, m.Pace.Rate()); now.Before(begin) {
			next = mg.Pause(begin)
		}
	}
	if reason := mg.Pointless(e, now); reason != "" {
		next = mg.Drop(reason)
	}
	return next, e, m.Store.SaveMailing(ctx, next)
}

// giveWay lets mail that somebody waits for overtake, and reads the event anew.
func (m *Mailer) giveWay(ctx context.Context, eventID string) (deltag.Event, error) {
	tasks, err := m.Store.Due(ctx, m.Now(), tasksAtOnce)
	if err != nil {
		return deltag.Event{}, err
	}
	if faults := m.direct(ctx, tasks); len(faults) > 0 {
		m.Log.WarnContext(ctx, "due mail failed", "error", errors.Join(faults...))
	}
	return m.Store.Event(ctx, eventID)
}

// page deals with each registration of a page. errNoTime or errParked: all have their row, but not all are sent.
func (m *Mailer) page(ctx context.Context, mg deltag.Mailing, e deltag.Event, page []deltag.Registration) (sent, skipped int, err error) {
	var sends, skips atomic.Int64
	faults := together(page, m.Pace.Workers(), func(r deltag.Registration) error {
		if !mg.For(r) {
			return nil
		}
		l := mg.Letter(e, r)
		if l.Verdict(m.Now()) == "" {
			sends.Add(1)
		} else {
			skips.Add(1)
		}
		return m.first(ctx, deltag.NewDelivery(r, mg.Kind, mg.Version, mg.DueAt), l)
	})
	for _, fault := range faults {
		if ignore(fault, errNoTime, errParked) != nil {
			return 0, 0, errors.Join(faults...)
		}
	}
	return int(sends.Load()), int(skips.Load()), errors.Join(faults...)
}

// first makes the row of a letter of a walk and sends it. A row that is there already, from an earlier walk
// over this page, is taken up if it is still open.
func (m *Mailer) first(ctx context.Context, d deltag.Delivery, l deltag.Letter) error {
	for range rereads {
		err := m.dispatch(ctx, d, l)
		if errors.Is(err, errNoTime) {
			if saveErr := m.Store.SaveDelivery(ctx, d); saveErr != nil { // to be sent by the next tick
				err = ignore(saveErr, deltag.ErrConflict) // or there is a row already
			}
		}
		if !errors.Is(err, deltag.ErrConflict) {
			return err
		}
		if _, err := m.Store.Delivery(ctx, d.DeliveryKey); !errors.Is(err, deltag.ErrNotFound) {
			return errors.Join(err, m.deliver(ctx, d.DeliveryKey))
		}
		l.Event, l.Registration, err = m.Store.Visit(ctx, l.Event.ID, l.Registration.ID)
		if err != nil {
			return ignore(err, deltag.ErrNotFound) // erased in the meantime
		}
		d = deltag.NewDelivery(l.Registration, l.Kind, l.Version, l.DueAt)
	}
	return deltag.ErrUnavailable
}

func ignore(err error, harmless ...error) error {
	for _, h := range harmless {
		if errors.Is(err, h) {
			return nil
		}
	}
	return err
}
