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

// A DevConsole shows what happens inside, under /local: to people as pages, to tests as JSON. It is for this machine alone:
// it answers only where it is called by a loopback name, and takes no orders from other sites' pages.
type DevConsole struct {
	SES   *SESServer
	Clock *Clock
	Wake  func() // called when the clock has moved
	// Feedback is functions/feedback. Token makes an access token for the API.
	Feedback func(context.Context, json.RawMessage) error
	Token    func(context.Context) (string, error)
	Demo     func(context.Context) (Demo, error)
	BaseURL  string
	// MailsElsewhere is the SES endpoint that gets the mails instead of the recorder, if there is one.
	MailsElsewhere string
}

// A Demo is the event that a newcomer is led to.
type Demo struct {
	Slug, Title string
	Start, End  time.Time // in the event's own zone
}

// Handler serves /local and what lies under it.
func (w *DevConsole) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /local", w.showInbox)
	mux.Handle("GET /local/{$}", http.RedirectHandler("/local", http.StatusMovedPermanently))
	mux.HandleFunc("GET /local/mails", w.listMails)
	mux.HandleFunc("GET /local/mails/{id}", w.showMail)
	mux.HandleFunc("GET /local/mails/{id}/raw", w.rawMail)
	mux.HandleFunc("GET /local/mails/{id}/calendar.ics", w.calendarFile)
	mux.HandleFunc("GET /local/mails/{id}/attachments/{n}", w.attachment)
	mux.HandleFunc("GET /local/clock", w.readClock)
	mux.HandleFunc("POST /local/clock", w.moveClock)
	mux.HandleFunc("POST /local/token", w.makeToken)
	mux.HandleFunc("POST /local/ses", w.injectSESFailure)
	mux.HandleFunc("POST /local/feedback", w.feedback)
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		problem(rw, r, &badRequest{status: http.StatusForbidden, code: "cross-origin", detail: "Other sites' pages may not do this."})
	}))
	return requireLoopback(sameSite.Handler(mux))
}

// requireLoopback keeps out pages whose host name was made to point here.
func requireLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			problem(rw, r, &badRequest{status: http.StatusForbidden, code: "not-this-machine", detail: "Call it localhost or 127.0.0.1."})
			return
		}
		rw.Header().Set("Cache-Control", "no-store")
		rw.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(rw, r)
	})
}

// A badRequest is answered as a problem document (RFC 9457), or as a page to people.
type badRequest struct {
	status              int
	code, field, detail string
}

func (b *badRequest) Error() string { return b.detail }

func bad(field, format string, args ...any) error {
	return &badRequest{status: http.StatusBadRequest, code: "invalid", field: field, detail: fmt.Sprintf(format, args...)}
}

var errNoMail = &badRequest{status: http.StatusNotFound, code: "not-found", field: "mail", detail: "There is no such mail."}

func problem(rw http.ResponseWriter, r *http.Request, err error) {
	var b *badRequest
	if !errors.As(err, &b) {
		slog.Error("/local failed", "path", r.URL.Path, "error", err)
		b = &badRequest{status: http.StatusInternalServerError, code: "internal", detail: err.Error()} // only this machine reads it
	}
	if wantsHTML(r) {
		showPage(rw, b.status, "problem", b.detail)
		return
	}
	document := map[string]any{"type": "about:blank", "title": http.StatusText(b.status), "status": b.status, "code": b.code, "detail": b.detail}
	if b.field != "" {
		document["errors"] = []map[string]string{{"field": b.field, "code": b.code, "detail": b.detail}}
	}
	writeJSON(rw, b.status, "application/problem+json", document)
}

func writeJSON(rw http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		slog.Error("/local failed", "error", err)
		status = http.StatusInternalServerError
	}
	rw.Header().Set("Content-Type", contentType)
	rw.WriteHeader(status)
	_, _ = rw.Write(body.Bytes()) // who asked may be gone
}

// wantsHTML tells people's browsers from programs.
func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// respond answers an order: people go back to a page, programs get JSON.
func respond(rw http.ResponseWriter, r *http.Request, back string, v any) {
	if wantsHTML(r) {
		http.Redirect(rw, r, back, http.StatusSeeOther)
		return
	}
	writeJSON(rw, http.StatusOK, "application/json", v)
}

// maxCommandBody is what a POST to /local may hold, in bytes.
const maxCommandBody = 64 << 10

// parseCommand reads a JSON object or a form, and nothing but the named fields. What is there decides, not what it is called:
// curl calls everything a form.
func parseCommand(rw http.ResponseWriter, r *http.Request, names ...string) (map[string]string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxCommandBody))
	if err != nil {
		return nil, bad("", "The request is too long, or broke off.")
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

func (w *DevConsole) listMails(rw http.ResponseWriter, _ *http.Request) {
	mails := w.SES.Mails()
	if mails == nil {
		mails = []Mail{}
	}
	writeJSON(rw, http.StatusOK, "application/json", mails)
}

func (w *DevConsole) rawMail(rw http.ResponseWriter, r *http.Request) {
	m, ok := w.SES.Mail(r.PathValue("id"))
	if !ok {
		problem(rw, r, errNoMail)
		return
	}
	raw, err := w.SES.Raw(m.ID)
	if err != nil {
		problem(rw, r, err)
		return
	}
	rw.Header().Set("Content-Type", "message/rfc822")
	_, _ = rw.Write(raw) // who asked may be gone
}

func (w *DevConsole) calendarFile(rw http.ResponseWriter, r *http.Request) {
	m, ok := w.SES.Mail(r.PathValue("id"))
	if !ok || m.Calendar == "" {
		problem(rw, r, errNoMail)
		return
	}
	download(rw, Attachment{Name: "calendar.ics", Type: "text/calendar; charset=utf-8", Data: []byte(m.Calendar)})
}

func (w *DevConsole) attachment(rw http.ResponseWriter, r *http.Request) {
	m, ok := w.SES.Mail(r.PathValue("id"))
	n, err := strconv.Atoi(r.PathValue("n"))
	if !ok || err != nil || n < 0 || n >= len(m.Attachments) {
		problem(rw, r, errNoMail)
		return
	}
	download(rw, m.Attachments[n])
}

func download(rw http.ResponseWriter, a Attachment) {
	rw.Header().Set("Content-Type", a.Type)
	rw.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}))
	_, _ = rw.Write(a.Data) // who asked may be gone
}

func (w *DevConsole) readClock(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, "application/json", w.time())
}

func (w *DevConsole) time() any { return map[string]time.Time{"now": w.Clock.Now()} }

func (w *DevConsole) moveClock(rw http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(rw, r, "now", "advance")
	if err == nil {
		err = w.move(in)
	}
	if err != nil {
		problem(rw, r, err)
		return
	}
	w.Wake()
	respond(rw, r, "/local", w.time())
}

func (w *DevConsole) move(in map[string]string) error {
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
		return within("now", w.Clock.Set(t))
	}
	d, err := time.ParseDuration(advance)
	if err != nil {
		return bad("advance", "%q is no duration; 90m, 24h and -1h are.", advance)
	}
	return within("advance", w.Clock.Advance(d))
}

func within(field string, err error) error {
	if errors.Is(err, ErrTooFar) {
		return bad(field, "That is %v.", err)
	}
	return err
}

func (w *DevConsole) makeToken(rw http.ResponseWriter, r *http.Request) {
	if _, err := parseCommand(rw, r); err != nil {
		problem(rw, r, err)
		return
	}
	token, err := w.Token(r.Context())
	switch {
	case err != nil:
		problem(rw, r, err)
	case wantsHTML(r):
		showPage(rw, http.StatusOK, "token", map[string]string{"Token": token, "BaseURL": w.BaseURL})
	default:
		writeJSON(rw, http.StatusOK, "application/json", map[string]string{"token": token})
	}
}

// maxFaults is how many sends in a row may be made to fail.
const maxFaults = 1_000_000

func (w *DevConsole) injectSESFailure(rw http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(rw, r, "fail", "times")
	if err != nil {
		problem(rw, r, err)
		return
	}
	fault := FailureMode(in["fail"])
	if !slices.Contains([]FailureMode{FailThrottle, FailReject, FailTimeoutAfterAccept, FailOff}, fault) {
		problem(rw, r, bad("fail", "fail has to be throttle, reject, timeout-after-accept or off."))
		return
	}
	times := 1
	if text, given := in["times"]; given && fault != FailOff {
		if times, err = strconv.Atoi(text); err != nil || times < 1 || times > maxFaults {
			problem(rw, r, bad("times", "times has to be a whole number from 1 to %d.", maxFaults))
			return
		}
	}
	if fault == FailOff {
		times = 0
	}
	w.SES.InjectFailures(fault, times)
	respond(rw, r, "/local", map[string]any{"fail": fault, "times": times})
}

func (w *DevConsole) feedback(rw http.ResponseWriter, r *http.Request) {
	in, err := parseCommand(rw, r, "mail", "type")
	if err != nil {
		problem(rw, r, err)
		return
	}
	if _, ok := reportable[in["type"]]; !ok {
		problem(rw, r, bad("type", "type has to be bounce, complaint or delivery."))
		return
	}
	m, ok := w.SES.Mail(in["mail"])
	if !ok {
		problem(rw, r, errNoMail)
		return
	}
	if err := w.SES.report(r.Context(), m.ID, in["type"], w.Feedback); err != nil {
		problem(rw, r, err)
		return
	}
	respond(rw, r, "/local/mails/"+m.ID+"?reported="+in["type"], map[string]string{"mail": m.ID, "type": in["type"]})
}
