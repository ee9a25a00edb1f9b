package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A DevConsole is /local: it shows mails and the clock, and takes commands, as pages for people and as JSON for tests.
// It is for this machine only: it answers only under a loopback name, and refuses commands from other sites' pages.
type DevConsole struct {
	SES   *SESServer
	Clock *Clock
	Wake  func() // called when the clock has moved
	// Feedback is functions/feedback.
	Feedback FeedbackFunc
	Token    func(context.Context) (string, error) // makes an access token for the API
	// SignIn makes the cookie of a session of an address, "" for the first owner's. It fails for one without access.
	SignIn  func(ctx context.Context, email string) (*http.Cookie, error)
	Demo    func(context.Context) (Demo, error)
	BaseURL string
	// MailsElsewhere is the endpoint that gets the mails instead of SES; "" if there is none.
	MailsElsewhere string
}

// A Demo is the demo event, which the first page links to.
type Demo struct {
	Slug, Title string
	Start, End  time.Time // in the event's own zone
}

// Handler serves /local and the paths below it.
func (c *DevConsole) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /local", c.showInbox)
	mux.Handle("GET /local/{$}", http.RedirectHandler("/local", http.StatusMovedPermanently))
	mux.HandleFunc("GET /local/mails", c.listMails)
	mux.HandleFunc("GET /local/mails/{id}", c.showMail)
	mux.HandleFunc("GET /local/mails/{id}/raw", c.rawMail)
	mux.HandleFunc("GET /local/mails/{id}/calendar.ics", c.calendarFile)
	mux.HandleFunc("GET /local/mails/{id}/attachments/{n}", c.attachment)
	mux.HandleFunc("GET /local/clock", c.readClock)
	mux.HandleFunc("POST /local/clock", c.moveClock)
	mux.HandleFunc("POST /local/token", c.makeToken)
	mux.HandleFunc("POST /local/sign-in", c.signIn)
	mux.HandleFunc("POST /local/ses", c.injectSESFailure)
	mux.HandleFunc("POST /local/feedback", c.feedback)
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem(
			w, r,
			&badRequest{
				status: http.StatusForbidden, code: "cross-origin", detail: "Other sites' pages may not do this.",
			},
		)
	}))
	return requireLoopback(sameSite.Handler(mux))
}

// requireLoopback refuses host names of others that resolve to this machine (DNS rebinding).
func requireLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			problem(
				w, r,
				&badRequest{
					status: http.StatusForbidden, code: "not-this-machine", detail: "Call it localhost or 127.0.0.1.",
				},
			)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// A badRequest is answered with a problem document (RFC 9457), or with a page for people.
type badRequest struct {
	status              int
	code, field, detail string
}

func (b *badRequest) Error() string { return b.detail }

func bad(field, format string, args ...any) error {
	return &badRequest{
		status: http.StatusBadRequest, code: "invalid", field: field, detail: fmt.Sprintf(format, args...),
	}
}

var errNoMail = &badRequest{
	status: http.StatusNotFound, code: "not-found", field: "mail", detail: "There is no such mail.",
}

func problem(w http.ResponseWriter, r *http.Request, err error) {
	var b *badRequest
	if !errors.As(err, &b) {
		slog.Error("/local failed", "path", r.URL.Path, "error", err)
		b = &badRequest{
			status: http.StatusInternalServerError, code: "internal", detail: err.Error(),
		} // only this machine sees it
	}
	if wantsHTML(r) {
		showPage(w, b.status, "problem", b.detail)
		return
	}
	document := map[string]any{
		"type": "about:blank", "title": http.StatusText(b.status), "status": b.status, "code": b.code,
		"detail": b.detail,
	}
	if b.field != "" {
		document["errors"] = []map[string]string{{"field": b.field, "code": b.code, "detail": b.detail}}
	}
	writeJSON(w, b.status, "application/problem+json", document)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		slog.Error("/local failed", "error", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone
}

// wantsHTML says whether the client is a browser.
func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// respond answers a command: a browser goes back to a page, programs get JSON.
func respond(w http.ResponseWriter, r *http.Request, back string, v any) {
	if wantsHTML(r) {
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", v)
}

// maxCommandBody is what a POST to /local may hold, in bytes.
const maxCommandBody = 64 << 10

// parseCommand reads the named fields of a JSON object or a form, and refuses others. The Content-Type is ignored,
// because curl declares everything a form.
func parseCommand(w http.ResponseWriter, r *http.Request, names ...string) (map[string]string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommandBody))
	if err != nil {
		return nil, bad("", "The request is too long, or incomplete.")
	}
	in := map[string]string{}
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '{' {
		err = readJSON(body, in)
	} else {
		err = readForm(body, in)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(names, name) {
			return nil, bad(name, "The field %q is not known here; known are %s.", name, strings.Join(names, ", "))
		}
	}
	return in, nil
}

func readJSON(body []byte, into map[string]string) error {
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&object); err != nil || d.More() {
		return bad("", "The request is not one JSON object.")
	}
	for name, v := range object {
		switch v := v.(type) {
		case string:
			into[name] = v
		case json.Number:
			into[name] = v.String()
		default:
			return bad(name, "The field %q is neither text nor a number.", name)
		}
	}
	return nil
}

func readForm(body []byte, into map[string]string) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return bad("", "The request is neither a JSON object nor a form.")
	}
	for name, values := range form {
		into[name] = values[0]
	}
	return nil
}

func (c *DevConsole) listMails(w http.ResponseWriter, _ *http.Request) {
	mails := c.SES.Mails()
	if mails == nil {
		mails = []Mail{}
	}
	writeJSON(w, http.StatusOK, "application/json", mails)
}

func (c *DevConsole) rawMail(w http.ResponseWriter, r *http.Request) {
	m, ok := c.SES.Mail(r.PathValue("id"))
	if !ok {
		problem(w, r, errNoMail)
		return
	}
	raw, err := c.SES.Raw(m.ID)
	if err != nil {
		problem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	_, _ = w.Write(raw) // the client may be gone
}

func (c *DevConsole) calendarFile(w http.ResponseWriter, r *http.Request) {
	m, ok := c.SES.Mail(r.PathValue("id"))
	if !ok || m.Calendar == "" {
		problem(w, r, errNoMail)
		return
	}
	download(w, Attachment{Name: "calendar.ics", Type: "text/calendar; charset=utf-8", Data: []byte(m.Calendar)})
}

func (c *DevConsole) attachment(w http.ResponseWriter, r *http.Request) {
	m, ok := c.SES.Mail(r.PathValue("id"))
	n, err := strconv.Atoi(r.PathValue("n"))
	if !ok || err != nil || n < 0 || n >= len(m.Attachments) {
		problem(w, r, errNoMail)
		return
	}
	download(w, m.Attachments[n])
}

func download(w http.ResponseWriter, a Attachment) {
	w.Header().Set("Content-Type", a.Type)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}))
	_, _ = w.Write(a.Data) // the client may be gone
}

func (c *DevConsole) readClock(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, "application/json", c.time())
}

func (c *DevConsole) time() any { return map[string]time.Time{"now": c.Clock.Now()} }

func (c *DevConsole) moveClock(w http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(w, r, "now", "advance")
	if err == nil {
		err = c.move(in)
	}
	if err != nil {
		problem(w, r, err)
		return
	}
	c.Wake()
	respond(w, r, "/local", c.time())
}

func (c *DevConsole) move(in map[string]string) error {
	now, set := in["now"]
	advance, moved := in["advance"]
	switch {
	case set && moved:
		return bad("advance", "Give now or advance, not both.")
	case !set && !moved:
		return bad("now", "Give now, such as \"2026-11-30T10:00:00Z\", or advance, such as \"24h\".")
	case set:
		t, err := time.Parse(time.RFC3339, now)
		if err != nil {
			return bad("now", "%q is no RFC 3339 time; one is 2026-11-30T10:00:00Z.", now)
		}
		return fieldError("now", c.Clock.Set(t))
	}
	d, err := time.ParseDuration(advance)
	if err != nil {
		return bad("advance", "%q is no duration; 90m, 24h and -1h are.", advance)
	}
	return fieldError("advance", c.Clock.Advance(d))
}

// fieldError blames the field for ErrTooFar.
func fieldError(field string, err error) error {
	if errors.Is(err, ErrTooFar) {
		return bad(field, "That is %v.", err)
	}
	return err
}

func (c *DevConsole) makeToken(w http.ResponseWriter, r *http.Request) {
	if _, err := parseCommand(w, r); err != nil {
		problem(w, r, err)
		return
	}
	token, err := c.Token(r.Context())
	switch {
	case err != nil:
		problem(w, r, err)
	case wantsHTML(r):
		showPage(w, http.StatusOK, "token", map[string]string{"Token": token, "BaseURL": c.BaseURL})
	default:
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"token": token})
	}
}

// signIn answers programs, too, by sending them to the organisers' pages.
func (c *DevConsole) signIn(w http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(w, r, "email")
	if err != nil {
		problem(w, r, err)
		return
	}
	cookie, err := c.SignIn(r.Context(), in["email"])
	if err != nil {
		problem(w, r, bad("email", "Nobody can sign in with %q: %v.", in["email"], err))
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/organiser", http.StatusSeeOther)
}

// maxFailures is how many sends in a row may be made to fail.
const maxFailures = 1_000_000

func (c *DevConsole) injectSESFailure(w http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(w, r, "fail", "times")
	if err != nil {
		problem(w, r, err)
		return
	}
	mode := FailureMode(in["fail"])
	if refusals[mode] == nil && mode != FailTimeoutAfterAccept && mode != FailOff {
		problem(w, r, bad("fail", "fail has to be throttle, quota, reject, not-verified, access-denied, paused, "+
			"timeout-after-accept or off."))
		return
	}
	times := 1
	if text, given := in["times"]; given && mode != FailOff {
		if times, err = strconv.Atoi(text); err != nil || times < 1 || times > maxFailures {
			problem(w, r, bad("times", "times has to be a whole number from 1 to %d.", maxFailures))
			return
		}
	}
	if mode == FailOff {
		times = 0
	}
	c.SES.InjectFailures(mode, times)
	respond(w, r, "/local", map[string]any{"fail": mode, "times": times})
}

func (c *DevConsole) feedback(w http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(w, r, "mail", "type")
	if err != nil {
		problem(w, r, err)
		return
	}
	if _, ok := feedbackEvents[in["type"]]; !ok {
		problem(w, r, bad("type", "type has to be bounce, complaint or delivery."))
		return
	}
	m, ok := c.SES.Mail(in["mail"])
	if !ok {
		problem(w, r, errNoMail)
		return
	}
	if err := c.SES.publishFeedback(r.Context(), m.ID, in["type"], c.Feedback); err != nil {
		problem(w, r, err)
		return
	}
	respond(w, r, "/local/mails/"+m.ID+"?reported="+in["type"], map[string]string{"mail": m.ID, "type": in["type"]})
}
