package visitor

import (
	"errors"
	"fmt"
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

// The button of the mail that asks whether an address is one's own. Its link has a purpose of its own: before the press
// the page shows nothing of the registration, which may be a stranger's.

// A verificationView is the page with the button.
type verificationView struct {
	ChangesAddress bool
	Email          string // that a registration is to move to
	AsksForNews    bool
	Action         string
	Form           *web.Form // none; for the templates of all pages
}

// isVerification says whether a request's token is that of a mail to verify an address.
func isVerification(r *http.Request) bool {
	_, _, err := deltag.ParseLink(r.PathValue("token"), deltag.PurposeVerify)
	return err == nil
}

// registrationOrVerification serves the two pages under /r/.
func (s *site) registrationOrVerification(w http.ResponseWriter, r *http.Request) error {
	if isVerification(r) {
		return s.withVerification(s.verificationPage)(w, r)
	}
	return s.withToken(deltag.PurposeManage, s.registration)(w, r)
}

// verifyByLink is the press on the button, also on the page of an unverified registration.
func (s *site) verifyByLink(w http.ResponseWriter, r *http.Request) error {
	if isVerification(r) {
		return s.withVerification(s.verify)(w, r)
	}
	return s.withToken(deltag.PurposeManage, s.rejoin)(w, r)
}

// A verificationHandler answers a request with the token of a mail to verify an address.
type verificationHandler func(
	w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration, v deltag.Verification,
) error

// withVerification calls serve with what the path's token names, as withToken does. ErrLinkExpired for every token that
// is not, or no longer, good.
func (s *site) withVerification(serve verificationHandler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := deltag.RetryOnConflict(func() error {
			p, reg, v, err := s.loadVerification(r)
			if err != nil {
				return err
			}
			return serve(w, r, p, reg, v)
		})
		if errors.Is(err, deltag.ErrNotFound) { // erased since it was read
			return deltag.ErrLinkExpired
		}
		return err
	}
}

func (s *site) loadVerification(r *http.Request) (*page, deltag.Registration, deltag.Verification, error) {
	fail := func(err error) (*page, deltag.Registration, deltag.Verification, error) {
		return nil, deltag.Registration{}, deltag.Verification{}, err
	}
	l, mac, err := deltag.ParseLink(r.PathValue("token"), deltag.PurposeVerify)
	if err != nil {
		return fail(err)
	}
	e, reg, err := s.Store.EventAndRegistration(r.Context(), l.EventID, l.RegistrationID)
	if err != nil && !errors.Is(err, deltag.ErrNotFound) {
		return fail(fmt.Errorf("read registration: %w", err))
	}
	// A registration that is not there has no secret, so no token matches it.
	v, err := reg.CheckVerification(e, l, mac, s.Now())
	if err != nil {
		return fail(deltag.ErrLinkExpired)
	}
	language := reg.Language
	if v.ChangesAddress {
		language = reg.AddressChange.Details.Language
	}
	p := s.newPage(r, language)
	p.Event, p.Title, p.Private, p.Path = &e, p.Text("page.verify.title"), true, registrationPath(r)
	return p, reg, v, nil
}

func (s *site) verificationPage(
	w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration, v deltag.Verification,
) error {
	if v.State != deltag.VerificationOpen {
		return p.renderVerificationEnded(w, reg, v)
	}
	view := verificationView{
		ChangesAddress: v.ChangesAddress, AsksForNews: reg.AsksForNews,
		Action: registrationPath(r) + "/verify",
	}
	if v.ChangesAddress {
		view.Email, view.AsksForNews = reg.AddressChange.Details.Email.Original, reg.AddressChange.Details.AllowsNews
	}
	return p.withBody(view).render(w, http.StatusOK, "verify")
}

// renderVerificationEnded says why the button is gone, and where to go instead.
func (p *page) renderVerificationEnded(w http.ResponseWriter, reg deltag.Registration, v deltag.Verification) error {
	if v.State == deltag.VerificationUsed { // the token's holder has shown who they are
		to := link{p.Href(registrationPathOf(reg)), p.Text("page.verify.to-registration")}
		return p.renderMessageWithLinks(w, http.StatusGone, "verify.used", []link{to})
	}
	return p.renderMessage(w, http.StatusGone, "verify."+string(v.State))
}

// verify takes the seat, or makes the change of address, and goes on to the registration. Repeating it goes there too.
func (s *site) verify(
	w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration, v deltag.Verification,
) error {
	switch {
	case v.State == deltag.VerificationUsed:
		return p.redirectToVerified(w, reg)
	case v.State != deltag.VerificationOpen:
		return p.renderVerificationEnded(w, reg, v)
	case v.ChangesAddress:
		return s.confirmAddressChange(w, r, p, reg)
	}
	_, err := s.Store.Rejoin(r.Context(), *p.Event, reg, newsShown(r), p.now)
	limit := deltag.ChangeLimitError{}
	switch {
	case errors.As(err, &limit):
		answer, zone := web.BeginError(w, r, s.Log, limit), p.Event.Zone()
		return p.renderMessage(w, answer.Status, "verify.too-many-changes",
			"date", p.Date(limit.Until, zone), "clock", p.TimeOfDay(limit.Until, zone))
	case errors.Is(err, deltag.ErrFull):
		return p.renderMessage(w, http.StatusConflict, "verify.full")
	case err != nil:
		return fmt.Errorf("verify: %w", err)
	}
	return p.redirectToVerified(w, reg)
}

func (s *site) confirmAddressChange(
	w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration,
) error {
	address := reg.AddressChange.Details.Email
	if err := s.Store.ConfirmAddressChange(r.Context(), *p.Event, reg, newsShown(r), p.now); err != nil {
		return fmt.Errorf("confirm address change: %w", err)
	}
	id := deltag.RegistrationID(*p.Event, address)
	_, moved, err := s.Store.EventAndRegistration(r.Context(), p.Event.ID, id)
	if err != nil {
		return fmt.Errorf("read registration: %w", err)
	}
	return p.redirectToVerified(w, moved)
}

// newsShown says whether the page with the button told that somebody has ticked the consent to news. A form that was sent
// between that page and the press on its button gives no consent.
func newsShown(r *http.Request) bool { return r.PostForm.Get(newsShownField) == deltag.CheckedValue }

// newsShownField is a hidden field of the forms with the button.
const newsShownField = "news-shown"

func (p *page) redirectToVerified(w http.ResponseWriter, reg deltag.Registration) error {
	return web.SeeOther(w, p.Href(registrationPathOf(reg)+"?done=verified"))
}

func registrationPathOf(reg deltag.Registration) string {
	return "/r/" + reg.LinkToken(deltag.PurposeManage)
}
