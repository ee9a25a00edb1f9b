package api

import (
	"net/http"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// SendMessage implements POST /events/{id}/messages.
func (s *server) SendMessage(w http.ResponseWriter, r *http.Request, id Id, params SendMessageParams) {
	key := deref(params.IdempotencyKey)
	if params.IdempotencyKey != nil {
		if code := checkKey(key); code != "" {
			s.fail(w, r, badField("Idempotency-Key", code))
			return
		}
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

// checkKey returns what is wrong with an idempotency key, or "". Other characters than those of ASCII would be counted
// in octets here and in characters elsewhere.
func checkKey(key string) (code string) {
	switch {
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "bad-characters"
	case len(key) < 8 || len(key) > 100:
		return "key-length"
	}
	return ""
}
