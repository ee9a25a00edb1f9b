package api

import (
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// ListAudit implements GET /audit.
func (s *server) ListAudit(w http.ResponseWriter, r *http.Request, params ListAuditParams) {
	limit, cursor, err := pagination(params.Limit, params.Cursor)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var page organiser.Page[deltag.AuditEntry]
	if params.Event != nil {
		_, page, err = s.Organiser.AuditLog(r.Context(), callerOf(r), *params.Event, cursor, limit)
	} else {
		page, err = s.Organiser.WholeAuditLog(r.Context(), callerOf(r), cursor, limit)
	}
	s.answer(w, r, http.StatusOK, AuditList{Items: convertAll(page.Items, toAuditEntry), Next: page.Next}, err)
}

func toAuditEntry(e deltag.AuditEntry) AuditEntry {
	details := e.Details
	if details == nil {
		details = []string{}
	}
	return AuditEntry{
		At: e.At.UTC(), Actor: e.Actor, Channel: string(e.Channel), Action: string(e.Action),
		Event: e.EventID, Registration: e.RegistrationID, Subject: e.Subject, Details: details,
	}
}
