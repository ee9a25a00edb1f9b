package console

import (
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

// An overviewView is the first page of an event.
type overviewView struct {
	Counts    deltag.Counts
	FreeSeats *int // nil: no limit
	PublicURL string
	Coming    []deltag.TimelineEntry
	// What may be done with the event now.
	CanOpen, CanClose, CanCancel, CanDelete bool
}

func (s *site) overview(w http.ResponseWriter, r *http.Request, p *page) error {
	e, counts, timeline, err := s.Organiser.Timeline(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := overviewView{Counts: counts, PublicURL: s.BaseURL + "/e/" + e.Slug}
	if e.Capacity != nil {
		free := max(0, *e.Capacity-counts.Confirmed)
		v.FreeSeats = &free
	}
	for _, entry := range timeline {
		if entry.Status == deltag.MailingPlanned || entry.Status == deltag.MailingRunning {
			if entry.Reason == "" && !isToNobody(entry) {
				v.Coming = append(v.Coming, entry)
			}
		}
	}
	isFinal := e.Status == deltag.EventCancelled
	mayEdit := p.Principal.MayEdit()
	v.CanOpen = mayEdit && (e.Status == deltag.EventDraft || e.Status == deltag.EventClosed)
	v.CanClose = mayEdit && e.Status == deltag.EventOpen
	v.CanCancel = mayEdit && !isFinal
	if mayEdit && counts == (deltag.Counts{}) {
		if _, v.CanDelete, err = s.Organiser.MayDeleteEvent(r.Context(), p.caller(), e.ID); err != nil {
			return err
		}
	}
	p.Title, p.Event = e.Title, &e
	p.Script, p.Refreshes = web.Asset(files, "refresh.js"), true
	return p.render(w, http.StatusOK, "event", v)
}

// MailName is a kind of mail in words.
func (p *page) MailName(k deltag.MailKind) string {
	if k.IsReminder() {
		return p.Text("console.mail.reminder")
	}
	return p.Text("console.mail." + string(k))
}
