package local

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed page/*.html page/style.css
var pageFiles embed.FS

// pages are parsed when the first is shown: tests of other things need none.
var pages = sync.OnceValue(func() *template.Template {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return template.Must(template.New("").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
		"when":  func(t time.Time) string { return t.Format("Mon 2 Jan 2006 15:04:05") },
		"iso":   func(t time.Time) string { return t.Format(time.RFC3339) },
		"short": func(t time.Time) string { return t.Format("Mon 2 Jan 2006 15:04") },
		"utc":   time.Time.UTC,
		"span":  span,
	}).ParseFS(pageFiles, "page/*.html"))
})

// pagePolicy lets nothing run and nothing load, in the mails shown too: a frame's srcdoc takes over its page's policy.
// Mails style their elements where they stand.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'; frame-ancestors 'none'"

func showPage(rw http.ResponseWriter, status int, name string, data any) {
	var body bytes.Buffer
	if err := pages().ExecuteTemplate(&body, name+".html", data); err != nil {
		slog.Error("/local failed", "page", name, "error", err)
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Content-Security-Policy", pagePolicy)
	rw.WriteHeader(status)
	_, _ = rw.Write(body.Bytes()) // who asked may be gone
}

// span writes how far apart two times are, for people.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	d = d.Abs()
	if d < day {
		return d.String()
	}
	return fmt.Sprintf("%dd %s", d/day, d%day)
}

// mailsShown is how many mails one page of the inbox lists.
const mailsShown = 50

type inbox struct {
	Now      time.Time
	Offset   time.Duration // from the real time
	Back     time.Duration // to it
	Demo     *Demo         // nil while it cannot be read
	Moments  []moment
	Fault    FailureMode
	Times    int
	Faults   []failureChoice
	Count    int
	Mails    []Mail // newest first
	Older    string // id to go on behind
	Newest   bool
	BaseURL  string
	SESOther string
}

// A moment is a time that one would like to see.
type moment struct {
	Name string
	At   time.Time
}

type failureChoice struct {
	Fault FailureMode
	Text  string
}

var failureChoices = []failureChoice{
	{FailThrottle, "is throttled"},
	{FailReject, "is rejected"},
	{FailTimeoutAfterAccept, "is accepted, but the answer is lost"},
}

func (w *DevConsole) showInbox(rw http.ResponseWriter, r *http.Request) {
	page := inbox{
		Now: w.Clock.Now(), Offset: w.Clock.Offset().Round(time.Second),
		Faults: failureChoices, BaseURL: w.BaseURL, SESOther: w.MailsElsewhere,
	}
	page.Back = -w.Clock.Offset()
	if demo, err := w.Demo(r.Context()); err == nil {
		page.Demo, page.Moments = &demo, demo.moments()
		page.Now = page.Now.In(demo.Start.Location())
	}
	page.Fault, page.Times = w.SES.Failures()
	mails := w.SES.Mails()
	page.Count = len(mails)
	before := r.URL.Query().Get("before")
	if before != "" {
		at, _ := slices.BinarySearchFunc(mails, before, compareID)
		mails = mails[:at]
	}
	page.Newest = before == ""
	if len(mails) > mailsShown {
		mails = mails[len(mails)-mailsShown:]
		page.Older = mails[0].ID
	}
	slices.Reverse(mails)
	page.Mails = mails
	showPage(rw, http.StatusOK, "inbox", page)
}

func (d Demo) moments() []moment {
	return []moment{
		{"A day before", d.Start.AddDate(0, 0, -1)},
		{"An hour before", d.Start.Add(-time.Hour)},
		{"10 minutes before", d.Start.Add(-10 * time.Minute)},
		{"The start", d.Start},
		{"An hour after the end", d.End.Add(time.Hour)},
	}
}

type mailPage struct {
	Mail
	Frame    string
	Reported string
	Reports  []reportChoice
}

type reportChoice struct{ Type, Text string }

var reportChoices = []reportChoice{
	{"delivery", "It was delivered"},
	{"bounce", "It bounced for good"},
	{"complaint", "It was called spam"},
}

func (w *DevConsole) showMail(rw http.ResponseWriter, r *http.Request) {
	m, ok := w.SES.Mail(r.PathValue("id"))
	if !ok {
		problem(rw, r, errNoMail)
		return
	}
	page := mailPage{Mail: m, Reports: reportChoices}
	if m.HTML != "" {
		page.Frame = framed(m.HTML)
	}
	if _, known := reportable[r.URL.Query().Get("reported")]; known {
		page.Reported = r.URL.Query().Get("reported")
	}
	showPage(rw, http.StatusOK, "mail", page)
}

// framed has a mail's links open outside of its frame.
func framed(html string) string {
	const base = `<base target="_blank">`
	if at := strings.Index(html, "<head>"); at >= 0 {
		at += len("<head>")
		return html[:at] + base + html[at:]
	}
	return base + html
}
