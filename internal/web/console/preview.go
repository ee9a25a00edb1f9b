package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// Previews make what others see of an event, by the code that makes it for them.
type Previews struct {
	EventPage  func(e deltag.Event, now time.Time) ([]byte, error)
	Mail       func(mail deltag.MailContext, now time.Time) (subject, html string, err error)
	MailStyles func() []string // of all mails; see web.Page.FrameStyles
}

// A frame is a document within a page of ours.
type frame struct {
	ID, Title string
	Heading   string
	Label     string          // of the subject
	Subject   string          // of a mail
	Language  deltag.Language // of the document and the subject
	HTML      string
}

// inertLinks has every link of a document open a window, which the sandbox of its frame does not allow. Otherwise it
// would replace the preview.
func inertLinks(html string) string {
	return strings.Replace(html, "<head>", `<head><base target="_blank">`, 1)
}

func (s *site) eventPageFrame(p *page, e deltag.Event) (frame, error) {
	html, err := s.Previews.EventPage(e, p.now)
	return frame{
		ID: "preview-page", Title: p.Text("console.preview.page"), Heading: p.Text("console.preview.page-heading"),
		Language: e.Language, HTML: inertLinks(string(html)),
	}, err
}

// mailFrame shows e's mail of a kind, as somebody gets it who is signed up.
func (s *site) mailFrame(p *page, e deltag.Event, k deltag.MailKind) (frame, error) {
	mail, at := exampleMail(e, k, p.now)
	subject, html, err := s.Previews.Mail(mail, at)
	return frame{
		ID: "preview-" + string(k), Title: p.Text("console.preview.mail", "mail", p.MailKindText(k)),
		Heading: p.MailKindText(k), Label: p.Text("console.preview.subject"), Subject: subject, Language: e.Language,
		HTML: inertLinks(html),
	}, err
}

// exampleMail is a mail to nobody, and when it would be sent. Its links lead nowhere.
func exampleMail(e deltag.Event, k deltag.MailKind, now time.Time) (deltag.MailContext, time.Time) {
	at := e.MailDueAt(k)
	if at.IsZero() {
		at = now
	}
	if !k.IsFollowUp() && !at.Before(e.EndsAt) { // it is over
		at = e.StartsAt.AddDate(0, 0, -2)
	}
	const address = "anna@example.org"
	r := deltag.Registration{
		EventID: e.ID, ID: deltag.AccountID, Name: i18n.For(e.Language).Text("console.message.example-name"),
		Email: deltag.Address{Original: address, Normalized: address}, Language: e.Language,
		Status: deltag.RegistrationConfirmed, ConfirmedAt: at, RegisteredAt: at, Secret: make([]byte, 16),
		AddressStatus: deltag.AddressOK,
	}
	return deltag.MailContext{
		Event: e, Registration: r, Kind: k, Version: e.ScheduleVersion, DueAt: at, Text: e.MailText(k),
	}, at
}

// previewEvent shows the form as it was sent, with what is wrong, and stores nothing.
func (s *site) previewEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	id := r.PathValue("id") // "" of a new event
	preview, err := s.Organiser.PreviewEvent(r.Context(), p.caller(), id, eventChange(r.PostForm))
	invalid, err := fieldErrors(err)
	e := &preview.Before
	if id == "" {
		e = nil
	}
	if failure, status, ok := s.failure(w, r, p, err); ok {
		if e != nil {
			e = &deltag.Event{ID: id, Title: r.PostForm.Get("title")}
		}
		return s.renderEventForm(w, r, p, status, r.PostForm, nil, e, failure)
	}
	if err != nil {
		return err
	}
	status := http.StatusOK
	if invalid != nil {
		status = http.StatusUnprocessableEntity
	}
	return s.renderEventForm(w, r, p, status, r.PostForm, invalid, e, "")
}

// renderWithPreview shows the form of an event beside the event's page and its confirmation, as v makes them.
func (s *site) renderWithPreview(
	w http.ResponseWriter, r *http.Request, p *page, status int, view *eventFormView, v url.Values,
) error {
	var preview organiser.EditPreview
	if status != http.StatusServiceUnavailable {
		// What can't be read of v, or of the table, is no reason to withhold the form.
		preview, _ = s.Organiser.PreviewEvent(r.Context(), p.caller(), r.PathValue("id"), eventChange(v))
	}
	if e := preview.After; e.Title != "" && !e.StartsAt.IsZero() && e.EndsAt.After(e.StartsAt) {
		page, err := s.eventPageFrame(p, e)
		if err != nil {
			return err
		}
		mail, err := s.mailFrame(p, e, deltag.KindConfirmation)
		if err != nil {
			return err
		}
		view.Preview = []frame{page, mail}
	}
	p.Script, p.Refreshes, p.FrameStyles = web.Asset(files, "preview.js"), true, s.Previews.MailStyles()
	return p.render(w, status, "event-form", view)
}
