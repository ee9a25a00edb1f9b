package console

import (
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// An eventsView lists what is coming, what is not public yet, and what is over.
type eventsView struct {
	Coming, Drafts, Past []organiser.EventSummary
	NextPast             string // cursor of the earlier ones
}

// events is the first page. With a cursor it lists earlier events alone.
func (s *site) events(w http.ResponseWriter, r *http.Request, p *page) error {
	cursor := r.URL.Query().Get("cursor")
	v := eventsView{}
	if cursor == "" {
		current, err := s.Organiser.CurrentEvents(r.Context(), p.caller())
		if err := web.LogUnreadable(r.Context(), s.Log, err); err != nil {
			return err
		}
		for _, e := range current {
			if e.Status == deltag.EventDraft {
				v.Drafts = append(v.Drafts, e)
			} else {
				v.Coming = append(v.Coming, e)
			}
		}
	}
	past, err := s.Organiser.PastEvents(r.Context(), p.caller(), cursor)
	if err := web.LogUnreadable(r.Context(), s.Log, err); err != nil {
		return err
	}
	v.Past, v.NextPast = past.Items, past.Next
	p.Title = p.Text("console.events.title")
	return p.render(w, http.StatusOK, "events", v)
}

// StateText says in words where an event stands.
func (p *page) StateText(e deltag.Event) string {
	return p.Text("console.state." + string(e.SignUpStateAt(p.now)))
}

// An eventList is what the template of a list of events needs.
type eventList struct {
	Page   *page
	Events []organiser.EventSummary
}

// List is a list of events.
func (p *page) List(events []organiser.EventSummary) eventList { return eventList{p, events} }

// SignedUp says how many have a seat: "12 tilmeldte", "12 af 50 pladser taget".
func (p *page) SignedUp(e organiser.EventSummary) string {
	switch n := e.Counts.Confirmed; {
	case e.Capacity != nil:
		return p.Text("console.events.seats", "n", n, "of", *e.Capacity)
	case n == 1:
		return p.Text("console.events.one-confirmed")
	default:
		return p.Text("console.events.confirmed", "n", n)
	}
}
