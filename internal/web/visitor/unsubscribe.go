package visitor

import (
	"fmt"
	"net/http"

	"deltag/internal/deltag"
)

func (s *site) unsubscribePage(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.loadByToken(r, deltag.PurposeUnsubscribe)
	if err != nil {
		return err
	}
	p := s.personalPage(r, e, reg)
	return p.renderUnsubscribe(w, reg.AddressStatus == deltag.AddressUnsubscribed)
}

// unsubscribe serves our own button and the mail programs' one click (RFC 8058). The latter may send any kind of form
// and follows no redirect, so the body is not read and the answer is a page.
func (s *site) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	return s.updateByToken(r, deltag.PurposeUnsubscribe, func(e deltag.Event, reg deltag.Registration) error {
		if err := s.Store.Unsubscribe(r.Context(), e, reg, s.Now()); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
		return s.personalPage(r, e, reg).renderUnsubscribe(w, true)
	})
}

// renderUnsubscribe asks whether to unsubscribe, or says that it is done.
func (p *page) renderUnsubscribe(w http.ResponseWriter, done bool) error {
	p.Title = p.Text("page.unsubscribe.title")
	if done {
		p.Title = p.Text("page.unsubscribe.done-title")
	}
	return p.withBody(done).render(w, http.StatusOK, "unsubscribe")
}
