// Package console is the organisers' pages: signing in, events and their registrations, members and access tokens. What
// they do is that of the packages organiser and account, as for the JSON API. GET changes nothing but when a session was
// used, and begins one where the provider of the organisation's accounts sends the browser back.
package console

import (
	"embed"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"deltag/internal/account"
	"deltag/internal/deltag"
	"deltag/internal/oidc"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// Options are what the pages are made of. All are needed but those of OIDC.
type Options struct {
	Organiser *organiser.Service
	Accounts  *account.Service
	Previews  Previews
	BaseURL   string // scheme and host, as people reach it; no slash at the end
	Now       func() time.Time
	Log       *slog.Logger
	// MinResponseTime is how long the answer to a request for a link takes at least, so that the time does not tell whether
	// the address is a member's; web.MinResponseTime outside of tests.
	MinResponseTime time.Duration
	OIDC            *oidc.Provider // of the organisation's accounts; nil for none
	OIDCName        string         // what people call it; "" for the organisation's account
}

type site struct{ Options }

// New makes the handler of /organiser and everything below it.
func New(o Options) http.Handler {
	s := &site{o}
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.renderError(w, r, deltag.ErrForbidden)
	}))
	handler := sameSite.Handler(s.mux())
	return web.SecureHeaders(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without any referrer old browsers send the origin "null" with forms, which is refused. Other sites still get none.
		w.Header().Set("Referrer-Policy", "same-origin")
		handler.ServeHTTP(w, r)
	}))
}

//go:embed templates
var files embed.FS

var templates = web.NewTemplates(files)

// A route is a method of a path, and who may use it.
type route struct {
	method, path string
	role         deltag.Role // that it takes at least. "": no session at all
	serve        handler
}

// A handler answers a request. p is a page for the reader, with who they are.
type handler func(w http.ResponseWriter, r *http.Request, p *page) error

// routes are all there is. A role is checked before anything is looked up.
func (s *site) routes() []route {
	const reader, organiser, owner = deltag.RoleReader, deltag.RoleOrganiser, deltag.RoleOwner
	return []route{
		{"GET", "/organiser/sign-in", "", s.signInPage},
		{"POST", "/organiser/sign-in", "", s.requestLink},
		{"GET", "/organiser/sign-in/oidc", "", s.beginOIDC},
		{"GET", OIDCCallback, "", s.finishOIDC},
		{"GET", "/organiser/sign-in/{token}", "", s.linkPage},
		{"POST", "/organiser/sign-in/{token}", "", s.signIn},
		{"POST", "/organiser/sign-out", "", s.signOut},
		{"GET", "/organiser", reader, s.events},
		{"GET", "/organiser/events/new", organiser, s.newEventPage},
		{"POST", "/organiser/events", organiser, s.createEvent},
		{"GET", "/organiser/events/{id}", reader, s.overview},
		{"GET", "/organiser/events/{id}/edit", organiser, s.editPage},
		{"POST", "/organiser/events/{id}/edit", organiser, s.saveEvent},
		{"POST", "/organiser/events/{id}/open", organiser, s.openEvent},
		{"POST", "/organiser/events/{id}/close", organiser, s.closeEvent},
		{"POST", "/organiser/events/{id}/cancel", organiser, s.cancelEvent},
		{"POST", "/organiser/events/{id}/copy", organiser, s.copyEvent},
		{"POST", "/organiser/events/{id}/delete", organiser, s.deleteEvent},
		{"GET", "/organiser/events/{id}/messages", organiser, s.messagePage},
		{"POST", "/organiser/events/{id}/messages", organiser, s.sendMessage},
		{"GET", "/organiser/events/{id}/wording", organiser, s.wordingPage},
		{"POST", "/organiser/events/{id}/wording", organiser, s.saveWording},
		{"GET", "/organiser/events/{id}/coverage", reader, s.coverage},
		{"POST", "/organiser/events/{id}/coverage", reader, s.coverage},
		{"GET", "/organiser/events/{id}/coverage.csv", reader, s.coverageCSV},
		{"POST", "/organiser/events/{id}/coverage.csv", reader, s.coverageCSV},
		{"GET", "/organiser/events/{id}/import", organiser, s.importPage},
		{"POST", "/organiser/events/{id}/import", organiser, s.planImport},
		{"POST", "/organiser/events/{id}/import/confirm", organiser, s.runImport},
		{"GET", "/organiser/events/{id}/attendance", organiser, s.attendancePage},
		{"POST", "/organiser/events/{id}/attendance", organiser, s.planAttendance},
		{"POST", "/organiser/events/{id}/attendance/confirm", organiser, s.noteAttendance},
		{"GET", "/organiser/events/{id}/mails", reader, s.mails},
		{"GET", "/organiser/events/{id}/sign-ups", reader, s.signUpsPage},
		{"GET", "/organiser/events/{id}/history", reader, s.eventAudit},
		{"GET", "/organiser/events/{id}/history.csv", reader, s.eventAuditCSV},
		{"GET", "/organiser/history", reader, s.wholeAudit},
		{"GET", "/organiser/history.csv", reader, s.wholeAuditCSV},
		{"GET", "/organiser/people", reader, s.personPage},
		{"POST", "/organiser/people", reader, s.person}, // to erase takes an organiser
		{"GET", "/organiser/members", owner, s.members},
		{"POST", "/organiser/members", owner, s.invite},
		{"POST", "/organiser/members/{id}", owner, s.setRole},
		{"POST", "/organiser/members/{id}/remove", owner, s.removeMember},
		{"GET", "/organiser/tokens", owner, s.tokens},
		{"POST", "/organiser/tokens", owner, s.createToken},
		{"POST", "/organiser/tokens/{id}/revoke", owner, s.revokeToken},
		{"GET", "/organiser/events/{id}/attendees", reader, s.attendees},
		{"POST", "/organiser/events/{id}/attendees", organiser, s.addAttendee},
		{"GET", "/organiser/events/{id}/attendees.csv", reader, s.attendeesCSV},
		{"GET", "/organiser/events/{id}/attendees.xlsx", reader, s.attendeesXLSX},
		{"GET", "/organiser/events/{id}/attendees/new", organiser, s.newAttendee},
		{"POST", "/organiser/events/{id}/attendees/selection", organiser, s.changeSelection},
		{"GET", "/organiser/events/{id}/attendees/{rid}", reader, s.attendee},
		{"POST", "/organiser/events/{id}/attendees/{rid}", organiser, s.correctAttendee},
		{"POST", "/organiser/events/{id}/attendees/{rid}/cancel", organiser, s.cancelAttendee},
		{"POST", "/organiser/events/{id}/attendees/{rid}/seat", organiser, s.giveSeat},
		{"POST", "/organiser/events/{id}/attendees/{rid}/attended", organiser, s.noteAttended},
		{"POST", "/organiser/events/{id}/attendees/{rid}/erase", organiser, s.eraseAttendee},
		{"POST", "/organiser/events/{id}/attendees/{rid}/deliveries/{did}/resend", organiser, s.resendMail},
	}
}

func (s *site) mux() *http.ServeMux {
	paths := map[string]web.Methods{}
	for _, route := range s.routes() {
		if paths[route.path] == nil {
			paths[route.path] = web.Methods{}
		}
		serve := s.withPage(route.role, route.serve)
		if route.method == http.MethodPost {
			serve = withForm(route.path, serve)
		}
		paths[route.path][route.method] = serve
	}
	mux := http.NewServeMux()
	for path, methods := range paths {
		mux.Handle(path, methods.Handler(s.renderError))
	}
	mux.HandleFunc("/organiser/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/organiser/" {
			_ = web.SeeOther(w, "/organiser")
			return
		}
		s.renderError(w, r, deltag.ErrNotFound)
	})
	return mux
}

// listPaths take a list of people in a form, or a file.
var listPaths = []string{
	"/organiser/events/{id}/import", "/organiser/events/{id}/import/confirm",
	"/organiser/events/{id}/attendance", "/organiser/events/{id}/attendance/confirm",
}

// withForm reads a route's form before it is served. A file is read once it is known who sends it.
func withForm(path string, serve web.Handler) web.Handler {
	if !slices.Contains(listPaths, path) {
		return web.WithForm(maxForm, serve)
	}
	form := web.WithForm(maxImportForm, serve)
	return func(w http.ResponseWriter, r *http.Request) error {
		if web.IsUpload(r) {
			return serve(w, r)
		}
		return form(w, r)
	}
}

// maxForm, in bytes, is above the form of the largest event: letters like æ take six bytes in a form.
const maxForm = 1 << 20

// withPage calls serve with the page of somebody who has the role. Who is not signed in is sent to where they can.
func (s *site) withPage(role deltag.Role, serve handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := s.newPage(w, r)
		if err != nil {
			return err
		}
		switch {
		case role == "":
			return serve(w, r, p)
		case p.Principal.Role == "":
			return web.SeeOther(w, "/organiser/sign-in")
		case p.Principal.Role.Min(role) != role:
			return deltag.ErrForbidden
		}
		return serve(w, r, p)
	}
}
