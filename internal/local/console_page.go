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

// pages are parsed when the first one is shown: most tests need none.
var pages = sync.OnceValue(func() *template.Template {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		panic(err) // embedded: it cannot be missing
	}
	return template.Must(template.New("").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
		"when":  func(t time.Time) string { return t.Format("Mon 2 Jan 2006 15:04:05") },
		"iso":   func(t time.Time) string { return t.Format(time.RFC3339) },
		"short": func(t time.Time) string { return t.Format("Mon 2 Jan 2006 15:04") },
		"utc":   time.Time.UTC,
		"span":  formatSpan,
	}).ParseFS(pageFiles, "page/*.html"))
})

// pagePolicy forbids scripts and remote content, also in the mails shown: a frame with srcdoc inherits the policy.
// Mails need inline styles.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'"

func showPage(w http.ResponseWriter, status int, name string, data any) {
	var body bytes.Buffer
	if err := pages().ExecuteTemplate(&body, name+".html", data); err != nil {
		slog.Error("/local failed", "page", name, "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone
}

// formatSpan writes the distance between two times, for people.
func formatSpan(d time.Duration) string {
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
	Back     time.Duration // the advance that leads back to the real time
	Demo     *Demo         // nil if it cannot be read
	Moments  []moment
	Failure  FailureMode
	Times    int
	Failures []failureChoice
	Count    int
	Mails    []Mail // newest first
	Older    string // the oldest id shown, if there are older mails
	Newest   bool
	BaseURL  string
	SESOther string
}

// A moment is a time to move the clock to.
type moment struct {
	Name string
	At   time.Time
}

type failureChoice struct {
	Mode FailureMode
	Text string
}

var failureChoices = []failureChoice{
	{FailThrottle, "is throttled"},
	{FailQuota, "is above the daily quota"},
	{FailReject, "is rejected"},
	{FailNotVerified, "comes from an address that is not verified"},
	{FailAccessDenied, "is not allowed by IAM"},
	{FailPaused, "finds sending paused"},
	{FailTimeoutAfterAccept, "is accepted, but the answer is lost"},
}

func (c *DevConsole) showInbox(w http.ResponseWriter, r *http.Request) {
	page := inbox{
		Now: c.Clock.Now(), Offset: c.Clock.Offset().Round(time.Second),
		Failures: failureChoices, BaseURL: c.BaseURL, SESOther: c.MailsElsewhere,
	}
	page.Back = -c.Clock.Offset()
	if demo, err := c.Demo(r.Context()); err == nil {
		page.Demo, page.Moments = &demo, demo.moments()
		page.Now = page.Now.In(demo.Start.Location())
	}
	page.Failure, page.Times = c.SES.Failures()
	mails := c.SES.Mails()
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
	showPage(w, http.StatusOK, "inbox", page)
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

func (c *DevConsole) showMail(w http.ResponseWriter, r *http.Request) {
	m, ok := c.SES.Mail(r.PathValue("id"))
	if !ok {
		problem(w, r, errNoMail)
		return
	}
	page := mailPage{Mail: m, Reports: reportChoices}
	if m.HTML != "" {
		page.Frame = framed(m.HTML)
	}
	if _, known := feedbackEvents[r.URL.Query().Get("reported")]; known {
		page.Reported = r.URL.Query().Get("reported")
	}
	showPage(w, http.StatusOK, "mail", page)
}

// framed makes a mail's links open outside its frame.
func framed(html string) string {
	const base = `<base target="_blank">`
	if at := strings.Index(html, "<head>"); at >= 0 {
		at += len("<head>")
		return html[:at] + base + html[at:]
	}
	return base + html
}
