package api

import (
	"net/http"
	"slices"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// ListDeliveries implements GET /events/{id}/deliveries.
func (s *server) ListDeliveries(w http.ResponseWriter, r *http.Request, id Id, params ListDeliveriesParams) {
	limit, cursor, err := pagination(params.Limit, params.Cursor)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	filter, err := params.filter()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	e, page, err := s.Organiser.Deliveries(r.Context(), callerOf(r), id, filter, cursor, limit)
	items := convertAll(page.Items, func(d deltag.Delivery) Delivery { return toDelivery(e, d) })
	s.answer(w, r, http.StatusOK, DeliveryList{Items: items, Next: page.Next}, err)
}

func (params ListDeliveriesParams) filter() (organiser.DeliveryFilter, error) {
	f := organiser.DeliveryFilter{
		Status: deltag.DeliveryStatus(deref(params.Status)), Kind: deltag.MailKind(deref(params.Kind)),
	}
	if params.Status != nil && !slices.Contains(deltag.DeliveryStatuses, f.Status) {
		return f, badField("status", "unknown-status")
	}
	if params.Kind != nil && !f.Kind.IsKnown() {
		return f, badField("kind", "unknown-kind")
	}
	if params.Email != nil {
		var err error
		if f.Email, err = address.Parse(*params.Email); err != nil {
			return f, badRequest(err)
		}
	}
	return f, nil
}

// GetDelivery implements GET /events/{id}/deliveries/{did}.
func (s *server) GetDelivery(w http.ResponseWriter, r *http.Request, id Id, did Did) {
	e, d, err := s.Organiser.Delivery(r.Context(), callerOf(r), id, did)
	out := toDelivery(e, d)
	out.History = new(convertAll(d.History, func(c deltag.StatusChange) Step {
		return Step{At: c.At.In(e.Zone()), Status: string(c.Status), Reason: string(c.Reason)}
	}))
	s.answer(w, r, http.StatusOK, out, err)
}

// ResendDelivery implements POST /events/{id}/deliveries/{did}/resend.
func (s *server) ResendDelivery(w http.ResponseWriter, r *http.Request, id Id, did Did) {
	err := s.Organiser.ResendDelivery(r.Context(), callerOf(r), id, did)
	s.answer(w, r, http.StatusAccepted, nil, err)
}

// toDelivery leaves the history out.
func toDelivery(e deltag.Event, d deltag.Delivery) Delivery {
	zone := e.Zone()
	return Delivery{
		Id: d.ID(), RegistrationId: d.RegistrationID, Email: d.Email.Original, Kind: string(d.Kind), Version: d.Version,
		DueAt: d.DueAt.In(zone), Status: string(d.Status), Reason: string(d.Reason), SentAt: timePtr(d.SentAt, zone),
		MessageId: d.MessageID,
	}
}
