package api

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// ListDeliveries implements GET /events/{id}/deliveries.
func (s *server) ListDeliveries(w http.ResponseWriter, r *http.Request, id Id, p ListDeliveriesParams) {
	limit, cursor, err := pagination(p.Limit, p.Cursor)
	if err == nil {
		err = p.validate()
	}
	var e deltag.Event
	if err == nil {
		e, err = s.Store.Event(r.Context(), id)
	}
	var ds []deltag.Delivery
	var next string
	switch {
	case err != nil:
	case p.Email != nil:
		ds, err = s.deliveriesTo(r, e, *p.Email)
	default:
		ds, next, err = s.Store.Deliveries(r.Context(), id, cursor, limit)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := DeliveryList{Items: []Delivery{}, Next: next}
	for _, d := range ds {
		if p.matches(d) {
			list.Items = append(list.Items, toDelivery(e, d, false))
		}
	}
	write(w, http.StatusOK, list)
}

// deliveriesTo are all to one address. They stand together in the ledger: an address has one registration id.
func (s *server) deliveriesTo(r *http.Request, e deltag.Event, email string) ([]deltag.Delivery, error) {
	a, err := address.Parse(email)
	if err != nil {
		return nil, badRequest{prefixFields("", err)}
	}
	return s.Store.DeliveriesOf(r.Context(), e.ID, deltag.RegistrationID(e, a))
}

func (p ListDeliveriesParams) validate() error {
	if p.Status != nil && !slices.Contains(deltag.DeliveryStatuses, deltag.DeliveryStatus(*p.Status)) {
		return badRequest{deltag.ValidationErrors{{Field: "status", Code: "unknown-status"}}}
	}
	return nil
}

func (p ListDeliveriesParams) matches(d deltag.Delivery) bool {
	return (p.Status == nil || *p.Status == string(d.Status)) && (p.Kind == nil || *p.Kind == string(d.Kind))
}

// GetDelivery implements GET /events/{id}/deliveries/{did}.
func (s *server) GetDelivery(w http.ResponseWriter, r *http.Request, id Id, did Did) {
	e, d, err := s.delivery(r, id, did)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, http.StatusOK, toDelivery(e, d, true))
}

func (s *server) delivery(r *http.Request, id, did string) (deltag.Event, deltag.Delivery, error) {
	key, err := deltag.ParseDeliveryID(id, did)
	if err != nil {
		return deltag.Event{}, deltag.Delivery{}, err
	}
	e, err := s.Store.Event(r.Context(), id)
	if err != nil {
		return deltag.Event{}, deltag.Delivery{}, err
	}
	d, err := s.Store.Delivery(r.Context(), key)
	return e, d, err
}

// ResendDelivery implements POST /events/{id}/deliveries/{did}/resend.
func (s *server) ResendDelivery(w http.ResponseWriter, r *http.Request, id Id, did Did) {
	_, d, err := s.delivery(r, id, did)
	var e deltag.Event
	var reg deltag.Registration
	if err == nil {
		e, reg, err = s.Store.EventAndRegistration(r.Context(), id, d.RegistrationID)
	}
	if err == nil {
		err = s.Store.Resend(r.Context(), e, reg, d, s.Now())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func toDelivery(e deltag.Event, d deltag.Delivery, history bool) Delivery {
	zone := e.Zone()
	out := Delivery{
		Id: d.ID(), RegistrationId: d.RegistrationID, Email: d.Email.Original, Kind: string(d.Kind), Version: d.Version,
		DueAt: d.DueAt.In(zone), Status: string(d.Status), Reason: string(d.Reason), SentAt: timePtr(d.SentAt, zone), MessageId: d.MessageID,
	}
	if history {
		steps := []Step{}
		for _, step := range d.History {
			steps = append(steps, Step{At: step.At.In(zone), Status: string(step.Status), Reason: string(step.Reason)})
		}
		out.History = &steps
	}
	return out
}

// GetTimeline implements GET /events/{id}/timeline.
func (s *server) GetTimeline(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	var ms []deltag.Mailing
	if err == nil {
		ms, err = s.Store.Mailings(r.Context(), id)
	}
	var c deltag.Counts
	if err == nil {
		c, err = s.Store.Counts(r.Context(), e)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := Timeline{Items: []TimelineEntry{}}
	for _, n := range e.Timeline(ms, c, s.Now()) {
		out.Items = append(out.Items, toTimelineEntry(e, n))
	}
	write(w, http.StatusOK, out)
}

func toTimelineEntry(e deltag.Event, n deltag.TimelineEntry) TimelineEntry {
	return TimelineEntry{
		Kind: string(n.Kind), Version: n.Version, DueAt: n.DueAt, DueAtLocal: n.DueAt.In(e.Zone()).Format(time.RFC3339),
		Status: string(n.Status), Reason: string(n.Reason), Expected: n.Expected, Sent: n.Sent, Skipped: n.Skipped,
	}
}

// SendMessage implements POST /events/{id}/messages. The key names the message, so that a repetition finds it there.
func (s *server) SendMessage(w http.ResponseWriter, r *http.Request, id Id, p SendMessageParams) {
	if n := len(deref(p.IdempotencyKey)); p.IdempotencyKey != nil && (n < 8 || n > 100) {
		s.fail(w, r, badRequest{deltag.ValidationErrors{{Field: "Idempotency-Key", Code: "key-length"}}})
		return
	}
	var in NewMessage
	err := read(r, &in)
	var e deltag.Event
	if err == nil {
		e, err = s.Store.Event(r.Context(), id)
	}
	m := e.NewMailing(deltag.KindMessage, 0, s.Now(), strings.TrimSpace(in.Text))
	if m.Audience = deltag.Audience(deref(in.Audience)); m.Audience == "" {
		m.Audience = deltag.AudienceAll
	}
	m.Version = messageVersion(deref(p.IdempotencyKey), m)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if deref(in.Preview) {
		s.sendPreview(w, r, e, m)
		return
	}
	m, err = s.putMessage(r, m)
	var c deltag.Counts
	if err == nil {
		c, err = s.Store.Counts(r.Context(), e)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, http.StatusAccepted, toTimelineEntry(e, e.Timeline([]deltag.Mailing{m}, c, s.Now())[0]))
}

var errKeyReused = deltag.ValidationErrors{{Field: "Idempotency-Key", Code: "key-reused"}}

// putMessage stores m, or finds the same message there from an earlier try.
func (s *server) putMessage(r *http.Request, m deltag.Mailing) (deltag.Mailing, error) {
	err := s.Store.PutMailing(r.Context(), m)
	if !errors.Is(err, deltag.ErrConflict) {
		return m, err
	}
	earlier, err := s.Store.Mailing(r.Context(), m.Key())
	if err == nil && (earlier.Text != m.Text || earlier.Audience != m.Audience) {
		err = errKeyReused
	}
	return earlier, err
}

// sendPreview sends what m would say to the organiser alone.
func (s *server) sendPreview(w http.ResponseWriter, r *http.Request, e deltag.Event, m deltag.Mailing) {
	d := deltag.NewOrganiserDelivery(e, deltag.KindPreview, m.Version, m.DueAt)
	d.Text = m.Text
	err := s.Store.SaveDelivery(r.Context(), d)
	if errors.Is(err, deltag.ErrConflict) {
		var earlier deltag.Delivery
		if earlier, err = s.Store.Delivery(r.Context(), d.DeliveryKey); err == nil && earlier.Text != d.Text {
			err = errKeyReused
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, http.StatusAccepted, toTimelineEntry(e, deltag.TimelineEntry{Kind: d.Kind, Version: d.Version, DueAt: d.DueAt, Status: deltag.MailingPlanned, Expected: 1}))
}

// messageVersion turns a key, or the message itself without one, into a mailing's version: 31 bits, so that two of an event's
// messages practically never share one.
func messageVersion(key string, m deltag.Mailing) int {
	if key == "" {
		key = string(m.Audience) + "\n" + m.Text
	}
	sum := sha256.Sum256([]byte(key))
	return int(binary.BigEndian.Uint32(sum[:4])>>1) | 1
}

// SendNotice implements POST /events/{id}/notice.
func (s *server) SendNotice(w http.ResponseWriter, r *http.Request, id Id) {
	s.updateEvent(w, r, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		news, err := s.Store.Mailing(r.Context(), e.NoticeMailingKey())
		if errors.Is(err, deltag.ErrNotFound) {
			err = deltag.ErrNoPendingNotice
		}
		if err != nil {
			return e, deltag.MailingChanges{}, err
		}
		return e.SendNoticeNow(news, s.Now())
	})
}
