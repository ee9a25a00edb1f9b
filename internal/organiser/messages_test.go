package organiser_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
)

func TestSendMessage(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	f.addRegistration(e, "mette@example.dk")
	messages := func() (n int) {
		_, _, entries, err := f.Timeline(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		for _, entry := range entries {
			if entry.Kind == deltag.KindMessage {
				n++
			}
		}
		return n
	}
	kaffe := organiser.Message{Text: " Husk kaffe ", IdempotencyKey: "12345678"}
	t.Run("IsPlannedOnceForAKey", func(t *testing.T) {
		_, first, err := f.SendMessage(f.ctx, anna, e.ID, kaffe)
		wantError(t, err, nil)
		wantEqual(t, []any{first.Status, first.Expected, first.DueAt}, []any{deltag.MailingPlanned, 1, now})
		_, again, err := f.SendMessage(f.ctx, annaAt(now.AddDate(0, 0, 1)), e.ID, kaffe)
		wantError(t, err, nil)
		wantEqual(t, []any{again.Version, again.DueAt}, []any{first.Version, first.DueAt})
		wantEqual(t, messages(), 1)
	})
	t.Run("IsWhatTheAnswerIsAboutOnTheDayItself", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		_, entry, err := f.SendMessage(f.ctx, annaAt(e.StartsAt.Add(-time.Hour)), e.ID, kaffe)
		wantError(t, err, nil)
		wantEqual(t, []any{entry.Kind, entry.Status}, []any{deltag.KindMessage, deltag.MailingPlanned})
	})
	t.Run("IsAnotherOneWithAnotherKey", func(t *testing.T) {
		in := organiser.Message{Text: "Husk kaffe", IdempotencyKey: "87654321"}
		_, _, err := f.SendMessage(f.ctx, anna, e.ID, in)
		wantError(t, err, nil)
		wantEqual(t, messages(), 2)
	})
	t.Run("ToThoseWhoAreSelected", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 4)
		_, r, err := f.Registration(f.ctx, anna, e.ID, ids[3])
		wantError(t, err, nil)
		wantError(t, f.store.SetAddressStatus(f.ctx, e, r, deltag.AddressBounced, now), nil)
		for _, c := range []struct {
			to   organiser.Selection
			want []string
		}{
			{organiser.Selection{IDs: []string{ids[2], ids[0], ids[3], "x"}}, []string{ids[0], ids[2]}},
			{organiser.Selection{All: true, Query: organiser.AttendeeQuery{Search: "p1@"}}, []string{ids[1]}},
		} {
			in := organiser.Message{To: &c.to, Text: "Kun jer", IdempotencyKey: fmt.Sprint(c.want)}
			_, seen, err := f.CheckMessage(f.ctx, anna, e.ID, in)
			wantError(t, err, nil)
			wantEqual(t, seen.Expected, len(c.want))
			for range 2 {
				_, sent, err := f.SendMessage(f.ctx, anna, e.ID, in)
				wantError(t, err, nil)
				wantEqual(t, sent.Expected, len(c.want))
				stored, err := f.store.Mailing(f.ctx, deltag.MailingKey{EventID: e.ID, Kind: sent.Kind, Version: sent.Version})
				wantError(t, err, nil)
				stored, err = f.store.WithRecipients(f.ctx, stored)
				wantError(t, err, nil)
				slices.Sort(c.want)
				wantEqual(t, stored.Recipients, c.want)
			}
		}
		_, _, entries, err := f.Timeline(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		wantEqual(t, len(entries), 2+len(e.ScheduledMails))
		nobody := organiser.Message{To: &organiser.Selection{IDs: []string{ids[3]}}, Text: "Kun jer"}
		_, _, err = f.SendMessage(f.ctx, anna, e.ID, nobody)
		wantInvalid(t, err, "audience: no-recipients")
		_, _, err = f.SendMessage(f.ctx, anna, e.ID, organiser.Message{Audience: deltag.AudienceSelected, Text: "Hej"})
		wantInvalid(t, err, "audience: unknown-audience")
	})
	t.Run("ToAnotherSelectionIsAnotherMessage", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 3)
		stored := map[int]int{} // how many get the message of a version
		for _, key := range []string{"", "12345678"} {
			for _, to := range []organiser.Selection{
				{IDs: ids[:1]}, {IDs: ids[1:2]}, {IDs: []string{ids[1], ids[1]}}, // the second once more
				{All: true, Query: organiser.AttendeeQuery{Search: "p"}},
				{All: true, Query: organiser.AttendeeQuery{Answers: map[string]string{}, Search: "example", Attended: new(false)}},
			} {
				in := organiser.Message{To: &to, Text: "Kun jer", IdempotencyKey: key}
				for press := range 2 { // somebody signs up in between, and it is the same message
					_, entry, err := f.SendMessage(f.ctx, anna, e.ID, in)
					wantError(t, err, nil)
					if press == 0 {
						f.addRegistration(e, fmt.Sprintf("p%d@example.dk", 100*len(stored)+len(key)))
					}
					stored[entry.Version] = entry.Expected
				}
			}
		}
		if len(stored) != 8 {
			t.Errorf("%d messages: %v", len(stored), stored)
		}
	})
	t.Run("RefusesTooManyWhoAreSelected", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		f.Store = &listedStore{Store: f.store, attendees: named(make([]string, deltag.MaxRecipients+1)...)}
		_, _, err := f.CheckMessage(f.ctx, anna, e.ID, organiser.Message{To: &organiser.Selection{All: true}, Text: "Hej"})
		wantInvalid(t, err, "audience: too-many")
	})
	for name, other := range map[string]organiser.Message{
		"Text":     {Text: "Husk te", IdempotencyKey: "12345678"},
		"Audience": {Text: "Husk kaffe", IdempotencyKey: "12345678", Audience: deltag.AudienceConfirmed},
	} {
		t.Run("RefusesAKeyWithAnother"+name, func(t *testing.T) {
			_, _, err := f.SendMessage(f.ctx, anna, e.ID, other)
			wantInvalid(t, err, "Idempotency-Key: key-reused")
			wantEqual(t, messages(), 2)
		})
	}
	t.Run("IsPlannedOnceForTextAndAudienceWithoutAKey", func(t *testing.T) {
		for range 2 {
			_, _, err := f.SendMessage(f.ctx, anna, e.ID, organiser.Message{Text: "Husk kagen"})
			wantError(t, err, nil)
		}
		wantEqual(t, messages(), 3)
		in := organiser.Message{Text: "Husk kagen", Audience: deltag.AudienceConfirmed}
		_, _, err := f.SendMessage(f.ctx, anna, e.ID, in)
		wantError(t, err, nil)
		wantEqual(t, messages(), 4)
	})
	t.Run("WithoutAKeyTheSameWordsAreAnotherMessageAfter15Minutes", func(t *testing.T) {
		in := organiser.Message{Text: "Husk kagen"}
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{15*time.Minute - 1, 4}, {15 * time.Minute, 5}, {20 * time.Minute, 5}, {72 * time.Hour, 6}, {72 * time.Hour, 6}} {
			_, entry, err := f.SendMessage(f.ctx, annaAt(now.Add(c.after)), e.ID, in)
			wantError(t, err, nil)
			wantEqual(t, entry.Status, deltag.MailingPlanned)
			wantEqual(t, messages(), c.want)
		}
	})
	t.Run("NamesWhatIsWrong", func(t *testing.T) {
		_, _, err := f.SendMessage(f.ctx, anna, e.ID, organiser.Message{Text: " ", Audience: "some"})
		wantInvalid(t, err, "text: missing", "audience: unknown-audience")
		_, _, err = f.SendMessage(f.ctx, anna, "nope", kaffe)
		wantError(t, err, deltag.ErrNotFound)
	})
}

func TestPreviewMessage(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	previews := func() []deltag.Delivery {
		filter := organiser.DeliveryFilter{Kind: deltag.KindPreview}
		_, page, err := f.Deliveries(f.ctx, anna, e.ID, filter, "", 50)
		wantError(t, err, nil)
		return page.Items
	}
	in := organiser.Message{Text: "Husk te", IdempotencyKey: "12345678"}
	for range 2 {
		_, entry, err := f.PreviewMessage(f.ctx, anna, e.ID, in)
		wantError(t, err, nil)
		wantEqual(t, []any{entry.Kind, entry.Expected}, []any{deltag.KindPreview, 1})
	}
	wantEqual(t, len(previews()), 1)
	wantEqual(t, previews()[0].Email.Original, "hej@example.dk")
	wantEqual(t, previews()[0].Text, "Husk te")

	withoutKey := organiser.Message{Text: "Husk te"}
	for _, at := range []time.Time{now, now, now.Add(time.Hour), now.Add(time.Hour)} {
		_, _, err := f.PreviewMessage(f.ctx, annaAt(at), e.ID, withoutKey)
		wantError(t, err, nil)
	}
	wantEqual(t, len(previews()), 3)

	in.Text = "Husk kaffe"
	_, _, err := f.PreviewMessage(f.ctx, anna, e.ID, in)
	wantInvalid(t, err, "Idempotency-Key: key-reused")
	in.Text = ""
	_, _, err = f.PreviewMessage(f.ctx, anna, e.ID, in)
	wantInvalid(t, err, "text: missing")
}

func TestDeliveries(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	mette, soeren := f.addRegistration(e, "mette@example.dk"), f.addRegistration(e, "soeren@example.dk")
	count := func(filter organiser.DeliveryFilter) int {
		_, page, err := f.Deliveries(f.ctx, anna, e.ID, filter, "", 50)
		wantError(t, err, nil)
		return len(page.Items)
	}
	wantEqual(t, count(organiser.DeliveryFilter{}), 2)
	wantEqual(t, count(organiser.DeliveryFilter{Kind: deltag.KindConfirmation, Status: deltag.DeliveryPending}), 2)
	wantEqual(t, count(organiser.DeliveryFilter{Status: deltag.DeliverySent}), 0)
	wantEqual(t, count(organiser.DeliveryFilter{Kind: deltag.KindMessage}), 0)
	wantEqual(t, count(organiser.DeliveryFilter{Email: mette.Email}), 1)
	wantEqual(t, count(organiser.DeliveryFilter{Email: soeren.Email, Status: deltag.DeliverySent}), 0)
}

func TestResendDelivery(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	deliveries, err := f.store.DeliveriesOf(f.ctx, e.ID, r.ID)
	wantError(t, err, nil)
	d := deliveries[0]
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, d.ID()), deltag.ErrConflict)

	claimed := d.Claim(now)
	wantError(t, f.store.SaveDelivery(f.ctx, claimed), nil)
	wantError(t, f.store.SaveDelivery(f.ctx, claimed.MarkSent("message", now)), nil)
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, d.ID()), nil)
	deliveries, err = f.store.DeliveriesOf(f.ctx, e.ID, r.ID)
	wantError(t, err, nil)
	wantEqual(t, len(deliveries), 2)
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, "nope"), deltag.ErrNotFound)
}

// TestResendOrganiserNote: the organiser, whom it goes to, need not be registered.
func TestResendOrganiserNote(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	note := deltag.NewOrganiserNote(e, now)
	wantError(t, f.store.SaveDelivery(f.ctx, note), nil)
	note.Revision = 1
	skipped := note.Skip(deltag.ReasonEventOver, now)
	wantError(t, f.store.SaveDelivery(f.ctx, skipped), nil)
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, note.ID()), nil)
	d, err := f.store.Delivery(f.ctx, note.DeliveryKey)
	wantError(t, err, nil)
	wantEqual(t, d.Status, deltag.DeliveryPending)
}

// A failingResend sends nothing again.
type failingResend struct{ *dynamo.Store }

func (failingResend) Resend(context.Context, deltag.Event, deltag.Registration, deltag.Delivery, time.Time) error {
	return deltag.ErrUnavailable
}

// TestResendBouncedDeliveryThatFails: what is known of the address has changed, but no mail is sent and none is entered.
func TestResendBouncedDeliveryThatFails(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	deliveries, err := f.store.DeliveriesOf(f.ctx, e.ID, r.ID)
	wantError(t, err, nil)
	wantError(t, f.store.Suppress(f.ctx, e, r.Email, r, deltag.AddressBounced, now), nil)
	skipped := deliveries[0].Skip(deltag.ReasonAddressBounced, now)
	wantError(t, f.store.SaveDelivery(f.ctx, skipped), nil)
	resent := func() (n int) {
		for _, entry := range f.auditLog(e) {
			if entry.Action == deltag.AuditMailResent {
				n++
			}
		}
		return n
	}
	f.Store = failingResend{f.store}
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, skipped.ID()), deltag.ErrUnavailable)
	wantEqual(t, resent(), 0)
	f.Store = f.store
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, skipped.ID()), nil)
	wantEqual(t, resent(), 1)
}

func TestResendBouncedDelivery(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	deliveries, err := f.store.DeliveriesOf(f.ctx, e.ID, r.ID)
	wantError(t, err, nil)
	wantError(t, f.store.Suppress(f.ctx, e, r.Email, r, deltag.AddressBounced, now), nil)
	skipped := deliveries[0].Skip(deltag.ReasonAddressBounced, now)
	wantError(t, f.store.SaveDelivery(f.ctx, skipped), nil)
	wantError(t, f.ResendDelivery(f.ctx, anna, e.ID, skipped.ID()), nil)
	_, r, err = f.store.EventAndRegistration(f.ctx, e.ID, r.ID)
	wantError(t, err, nil)
	wantEqual(t, r.AddressStatus, deltag.AddressOK)
	deliveries, err = f.store.DeliveriesOf(f.ctx, e.ID, r.ID)
	wantError(t, err, nil)
	resent := deliveries[len(deliveries)-1]
	wantEqual(t, resent.Status, deltag.DeliveryPending)
	wantError(t, f.store.Claim(f.ctx, resent.Claim(now), r), nil)
}
