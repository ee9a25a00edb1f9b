package site

import (
	"fmt"
	"net/http"

	"deltag/internal/deltag"
)

// An unsubscribeView asks, or says that it is done.
type unsubscribeView struct{ Done bool }

func (s *site) unsubscribing(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.visit(r, deltag.ToUnsubscribe)
	if err != nil {
		return err
	}
	p := s.personalPage(r, e, reg)
	return s.showUnsubscribe(w, p, reg.Mail == deltag.MailUnsubscribed)
}

// unsubscribe serves our own button and the mail programs' one click (RFC 8058). The latter may send
// any kind of form and follow no redirect, so the body is not read and the answer is a page.
func (s *site) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	return s.act(r, deltag.ToUnsubscribe, func(e deltag.Event, reg deltag.Registration) error {
		if err := s.Store.Unsubscribe(r.Context(), e, reg, s.Now()); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
		return s.showUnsubscribe(w, s.personalPage(r, e, reg), true)
	})
}

func (s *site) showUnsubscribe(w http.ResponseWriter, p *page, done bool) error {
	p.Title = p.Say("page.unsubscribe.title")
	if done {
		p.Title = p.Say("page.unsubscribe.done-title")
	}
	return s.show(w, http.StatusOK, "unsubscribe", p.with(unsubscribeView{Done: done}))
}
