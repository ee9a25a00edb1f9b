package visitor

import (
	"fmt"
	"net/http"

	"deltag/internal/deltag"
)

func (s *site) unsubscribePage(w http.ResponseWriter, _ *http.Request, p *page, reg deltag.Registration) error {
	return p.renderUnsubscribe(w, reg.AddressStatus == deltag.AddressUnsubscribed)
}

// unsubscribe serves our own button and the mail programs' one click (RFC 8058). The latter may send any kind of form
// and follows no redirect, so the body is not read and the answer is a page.
func (s *site) unsubscribe(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	if err := s.Store.Unsubscribe(r.Context(), *p.Event, reg, p.now); err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	return p.renderUnsubscribe(w, true)
}

// renderUnsubscribe asks whether to unsubscribe, or says that it is done.
func (p *page) renderUnsubscribe(w http.ResponseWriter, done bool) error {
	p.Title = p.Text("page.unsubscribe.title")
	if done {
		p.Title = p.Text("page.unsubscribe.done-title")
	}
	return p.withBody(done).render(w, http.StatusOK, "unsubscribe")
}
