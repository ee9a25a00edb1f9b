package api

import (
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// SendMessage implements POST /events/{id}/messages.
func (s *server) SendMessage(w http.ResponseWriter, r *http.Request, id Id, params SendMessageParams) {
	key := deref(params.IdempotencyKey)
	if params.IdempotencyKey != nil && (len(key) < 8 || len(key) > 100) {
		s.fail(w, r, badField("Idempotency-Key", "key-length"))
		return
	}
	var in NewMessage
	if !s.readJSON(w, r, &in) {
		return
	}
	send := s.Organiser.SendMessage
	if deref(in.Preview) {
		send = s.Organiser.PreviewMessage
	}
	message := organiser.Message{Audience: deltag.Audience(deref(in.Audience)), Text: in.Text, IdempotencyKey: key}
	e, entry, err := send(r.Context(), callerOf(r), id, message)
	s.answer(w, r, http.StatusAccepted, toTimelineEntry(e, entry), err)
}
