package organiser

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// Timeline is every mail to all of an event, with its counts: those to come, and those that went out.
func (s *Service) Timeline(
	ctx context.Context, by Caller, eventID string,
) (deltag.Event, deltag.Counts, []deltag.TimelineEntry, error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, deltag.Counts{}, nil, err
	}
	mailings, err := s.Store.Mailings(ctx, eventID)
	if err != nil {
		return e, deltag.Counts{}, nil, err
	}
	counts, err := s.Store.Counts(ctx, e)
	if err != nil {
		return e, counts, nil, err
	}
	timeline := e.Timeline(mailings, counts, by.Now)
	return e, counts, timeline, s.countNoticeRecipients(ctx, by, e, mailings, counts, timeline)
}

// A Message is what an organiser writes to those who take part.
type Message struct {
	Audience deltag.Audience // "" is everybody
	To       *Selection      // those of it who may be written to, instead of an audience
	Text     string
	// IdempotencyKey names the message among those to the same Selection, so that a repetition is recognised. "": the same
	// text to the same audience or Selection within repeatWindow is the same message.
	IdempotencyKey string
	PreviewTo      deltag.Address // who gets a preview; the zero value is the event's organiser
}

// repeatWindow is how long a message without a key is recognised: a double click or a client's retry comes sooner, and
// the same words sent later are meant. maxRepeats bounds how often.
const (
	repeatWindow = 15 * time.Minute
	maxRepeats   = 100
)

// ErrKeyReused: the idempotency key was used for another message.
var ErrKeyReused = deltag.ValidationErrors{{Field: "Idempotency-Key", Code: "key-reused"}}

// newMessage is the message as a mailing of its event that is due at now. ValidationErrors.
func (s *Service) newMessage(
	ctx context.Context, by Caller, eventID string, in Message,
) (deltag.Event, deltag.Mailing, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return e, deltag.Mailing{}, err
	}
	if !by.Now.Before(e.RetentionEndsAt()) { // there is nobody any more
		return e, deltag.Mailing{}, deltag.ValidationErrors{{Field: "audience", Code: "retention-ended"}}
	}
	m := e.NewMailing(deltag.KindMessage, 0, by.Now, strings.TrimSpace(in.Text))
	m.Audience = cmp.Or(in.Audience, deltag.AudienceAll)
	if in.To != nil {
		if m, err = s.selectRecipients(ctx, by, m, *in.To); err != nil {
			return e, m, err
		}
	}
	return e, m, m.Validate()
}

// selectRecipients makes m a message for those who are selected now. ValidationErrors: nobody of them, or too many.
func (s *Service) selectRecipients(
	ctx context.Context, by Caller, m deltag.Mailing, to Selection,
) (deltag.Mailing, error) {
	_, attendees, err := s.Selected(ctx, by, m.EventID, to)
	if err != nil {
		return m, err
	}
	var ids []string
	for a, err := range attendees {
		if err != nil {
			return m, err
		}
		if to.MayWriteTo(a) {
			ids = append(ids, a.ID)
		}
		if len(ids) > deltag.MaxRecipients {
			return m, deltag.ValidationErrors{{Field: "audience", Code: "too-many", Limit: deltag.MaxRecipients}}
		}
	}
	if len(ids) == 0 {
		return m, deltag.ValidationErrors{{Field: "audience", Code: "no-recipients"}}
	}
	return m.SelectRecipients(ids), nil
}

// putNumbered calls put with the version of a message, which returns when the one that is stored with it was sent. A
// message without a key that was sent before repeatWindow is another one, and gets the next version.
func (in Message) putNumbered(m deltag.Mailing, put func(version int) (sentAt time.Time, err error)) error {
	to := ""
	if in.To != nil {
		to = "\n" + in.To.name()
	}
	if in.IdempotencyKey != "" {
		_, err := put(messageVersion(in.IdempotencyKey + to))
		return err
	}
	key := string(m.Audience) + to + "\n" + m.Text
	for range maxRepeats {
		sentAt, err := put(messageVersion(key))
		if err != nil || m.DueAt.Sub(sentAt) < repeatWindow {
			return err
		}
		key += "\n" // no other text: m's is trimmed
	}
	return deltag.ErrConflict
}

// messageVersion turns a key into a mailing's version, an odd number below 2^31. Of 100 messages of one event, two
// share a version once in 200,000 events; the second is then refused with ErrKeyReused.
func messageVersion(key string) int {
	sum := sha256.Sum256([]byte(key))
	return int(binary.BigEndian.Uint32(sum[:4])>>1) | 1
}

// CheckMessage says whom SendMessage would write to now, and writes nothing. ValidationErrors.
func (s *Service) CheckMessage(
	ctx context.Context, by Caller, eventID string, in Message,
) (deltag.Event, deltag.TimelineEntry, error) {
	e, m, err := s.newMessage(ctx, by, eventID, in)
	if err != nil {
		return e, deltag.TimelineEntry{}, err
	}
	counts, err := s.Store.Counts(ctx, e)
	return e, m.TimelineEntry(e, counts, by.Now), err
}

// SendMessage plans a message, to go out at once. Repeating it sends nothing twice; without a key, within repeatWindow.
// ValidationErrors, among them ErrKeyReused.
func (s *Service) SendMessage(
	ctx context.Context, by Caller, eventID string, in Message,
) (deltag.Event, deltag.TimelineEntry, error) {
	e, m, err := s.newMessage(ctx, by, eventID, in)
	if err != nil {
		return e, deltag.TimelineEntry{}, err
	}
	var stored deltag.Mailing
	err = in.putNumbered(m, func(version int) (time.Time, error) {
		m.Version = version
		stored, err = s.putMessage(by.record(ctx, deltag.AuditEntry{
			Action: deltag.AuditMessageSent, EventID: e.ID, Subject: e.Title, Details: []string{string(m.Audience)},
		}), m)
		return stored.DueAt, err
	})
	if err != nil {
		return e, deltag.TimelineEntry{}, err
	}
	counts, err := s.Store.Counts(ctx, e)
	if err != nil {
		return e, deltag.TimelineEntry{}, err
	}
	return e, stored.TimelineEntry(e, counts, by.Now), nil
}

// putMessage stores a message, or returns the same one as an earlier try has stored it. ErrKeyReused.
func (s *Service) putMessage(ctx context.Context, m deltag.Mailing) (deltag.Mailing, error) {
	err := s.Store.PutMailing(ctx, m)
	if !errors.Is(err, deltag.ErrConflict) {
		return m, err
	}
	earlier, err := s.Store.Mailing(ctx, m.Key())
	if err == nil && (earlier.Text != m.Text || earlier.Audience != m.Audience) {
		err = ErrKeyReused
	}
	return earlier, err
}

// PreviewMessage sends a message to the event's organiser alone, to show what it will look like. Repeating it sends
// nothing twice. ValidationErrors, among them ErrKeyReused.
func (s *Service) PreviewMessage(
	ctx context.Context, by Caller, eventID string, in Message,
) (deltag.Event, deltag.TimelineEntry, error) {
	e, m, err := s.newMessage(ctx, by, eventID, in)
	if err != nil {
		return e, deltag.TimelineEntry{}, err
	}
	var d deltag.Delivery
	err = in.putNumbered(m, func(version int) (time.Time, error) {
		to := e
		if in.PreviewTo.Original != "" {
			to.Organiser.Email = in.PreviewTo.ASCII()
		}
		d = deltag.NewOrganiserDelivery(to, deltag.KindPreview, version, by.Now)
		d.Text = m.Text
		ctx := by.record(ctx, deltag.AuditEntry{Action: deltag.AuditMessageTested, EventID: e.ID, Subject: e.Title})
		return s.putPreview(ctx, d)
	})
	if err != nil {
		return e, deltag.TimelineEntry{}, err
	}
	return e, deltag.TimelineEntry{
		Kind: d.Kind, Version: d.Version, DueAt: d.DueAt, Status: deltag.MailingPlanned, Expected: 1,
	}, nil
}

// putPreview stores a preview, if an earlier try has not, and returns when that was. ErrKeyReused.
func (s *Service) putPreview(ctx context.Context, d deltag.Delivery) (time.Time, error) {
	err := s.Store.SaveDelivery(ctx, d)
	if !errors.Is(err, deltag.ErrConflict) {
		return d.DueAt, err
	}
	earlier, err := s.Store.Delivery(ctx, d.DeliveryKey)
	if err == nil && earlier.Text != d.Text {
		err = ErrKeyReused
	}
	return earlier.DueAt, err
}
