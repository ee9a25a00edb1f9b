package organiser

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// A MailingStore keeps the mails to all of an event.
type MailingStore interface {
	// Mailings lists those of an event.
	Mailings(ctx context.Context, eventID string) ([]deltag.Mailing, error)
	// Mailing reads one. ErrNotFound.
	Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error)
	// PutMailing stores a new one. ErrConflict when there is one with its key.
	PutMailing(ctx context.Context, m deltag.Mailing) error
}

// Timeline is every mail to all of an event: those to come, and those that went out.
func (s *Service) Timeline(
	ctx context.Context, p deltag.Principal, eventID string, now time.Time,
) (deltag.Event, []deltag.TimelineEntry, error) {
	e, err := s.eventToRead(ctx, p, eventID)
	if err != nil {
		return deltag.Event{}, nil, err
	}
	mailings, err := s.Store.Mailings(ctx, eventID)
	if err != nil {
		return deltag.Event{}, nil, err
	}
	counts, err := s.Store.Counts(ctx, e)
	if err != nil {
		return deltag.Event{}, nil, err
	}
	return e, e.Timeline(mailings, counts, now), nil
}

// A Message is what an organiser writes to those who take part.
type Message struct {
	Audience deltag.Audience // "" is everybody
	Text     string
	// IdempotencyKey names the message, so that a repetition is recognised. "": the same text to the same audience is
	// the same message.
	IdempotencyKey string
}

// ErrKeyReused: the idempotency key was used for another message.
var ErrKeyReused = deltag.ValidationErrors{{Field: "Idempotency-Key", Code: "key-reused"}}

// newMessage is the message as a mailing of its event that is due at now. ValidationErrors.
func (s *Service) newMessage(
	ctx context.Context, p deltag.Principal, eventID string, in Message, now time.Time,
) (deltag.Event, deltag.Mailing, error) {
	e, err := s.eventToEdit(ctx, p, eventID)
	if err != nil {
		return deltag.Event{}, deltag.Mailing{}, err
	}
	m := e.NewMailing(deltag.KindMessage, 0, now, strings.TrimSpace(in.Text))
	m.Audience = in.Audience
	if m.Audience == "" {
		m.Audience = deltag.AudienceAll
	}
	key := in.IdempotencyKey
	if key == "" {
		key = string(m.Audience) + "\n" + m.Text
	}
	m.Version = messageVersion(key)
	return e, m, m.Validate()
}

// messageVersion turns a key into a mailing's version, an odd number below 2^31. Of 100 messages of one event, two
// share a version once in 200,000 events; the second is then refused with ErrKeyReused.
func messageVersion(key string) int {
	sum := sha256.Sum256([]byte(key))
	return int(binary.BigEndian.Uint32(sum[:4])>>1) | 1
}

// SendMessage plans a message, to go out at once. Repeating it sends nothing twice. ValidationErrors, among them
// ErrKeyReused.
func (s *Service) SendMessage(
	ctx context.Context, p deltag.Principal, eventID string, in Message, now time.Time,
) (deltag.Event, deltag.TimelineEntry, error) {
	e, m, err := s.newMessage(ctx, p, eventID, in, now)
	if err != nil {
		return deltag.Event{}, deltag.TimelineEntry{}, err
	}
	if m, err = s.putMessage(ctx, m); err != nil {
		return deltag.Event{}, deltag.TimelineEntry{}, err
	}
	counts, err := s.Store.Counts(ctx, e)
	if err != nil {
		return deltag.Event{}, deltag.TimelineEntry{}, err
	}
	return e, e.Timeline([]deltag.Mailing{m}, counts, now)[0], nil
}

// putMessage stores a message, or returns the same one as an earlier try has stored it. ErrKeyReused.
func (s *Service) putMessage(ctx context.Context, m deltag.Mailing) (deltag.Mailing, error) {
	err := s.Store.PutMailing(ctx, m)
	if !errors.Is(err, deltag.ErrConflict) {
		return m, err
	}
	earlier, err := s.Store.Mailing(ctx, m.Key())
	if err != nil {
		return deltag.Mailing{}, err
	}
	if earlier.Text != m.Text || earlier.Audience != m.Audience {
		return deltag.Mailing{}, ErrKeyReused
	}
	return earlier, nil
}

// PreviewMessage sends a message to the event's organiser alone, to show what it will look like. Repeating it sends
// nothing twice. ValidationErrors, among them ErrKeyReused.
func (s *Service) PreviewMessage(
	ctx context.Context, p deltag.Principal, eventID string, in Message, now time.Time,
) (deltag.Event, deltag.TimelineEntry, error) {
	e, m, err := s.newMessage(ctx, p, eventID, in, now)
	if err != nil {
		return deltag.Event{}, deltag.TimelineEntry{}, err
	}
	d := deltag.NewOrganiserDelivery(e, deltag.KindPreview, m.Version, now)
	d.Text = m.Text
	if err := s.putPreview(ctx, d); err != nil {
		return deltag.Event{}, deltag.TimelineEntry{}, err
	}
	return e, deltag.TimelineEntry{
		Kind: d.Kind, Version: d.Version, DueAt: d.DueAt, Status: deltag.MailingPlanned, Expected: 1,
	}, nil
}

// putPreview stores a preview, if an earlier try has not. ErrKeyReused.
func (s *Service) putPreview(ctx context.Context, d deltag.Delivery) error {
	err := s.Store.SaveDelivery(ctx, d)
	if !errors.Is(err, deltag.ErrConflict) {
		return err
	}
	earlier, err := s.Store.Delivery(ctx, d.DeliveryKey)
	if err != nil {
		return err
	}
	if earlier.Text != d.Text {
		return ErrKeyReused
	}
	return nil
}
