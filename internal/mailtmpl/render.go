// Package mailtmpl renders the mails: the words for each kind as HTML and as plain text, and the invitation where
// calendars are to change. What a mail says is decided when it is sent, by the event and the registration as they are
// then.
package mailtmpl

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
)

// A Renderer makes messages for SES. Its methods may be called from several goroutines.
type Renderer struct {
	From    string // MAIL_FROM: "Name <address>", or an address alone
	BaseURL string // scheme and host; no slash at the end
}

// Render makes the message of a mail that is sent at now. It fails for a kind that has no words, and for addresses that
// a header cannot hold.
func (r *Renderer) Render(mail deltag.MailContext, now time.Time) ([]byte, error) {
	raw, err := r.render(mail, now)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", mail.Kind, err)
	}
	return raw, nil
}

func (r *Renderer) render(mail deltag.MailContext, now time.Time) ([]byte, error) {
	c, err := r.newContent(mail, now)
	if err != nil {
		return nil, err
	}
	html, err := c.html()
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	if err := r.setHeaders(m, mail, c, now); err != nil {
		return nil, err
	}
	m.SetBodyString(gomail.TypeTextPlain, c.text())
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	if method := calendarMethod(mail); method != deltag.CalendarNone {
		links := calendar.NewPersonalLinks(r.BaseURL, mail.Registration)
		attachInvitation(m, method, calendar.Invitation(mail, method, links, now))
	}
	var b bytes.Buffer
	_, err = m.WriteTo(&b)
	return b.Bytes(), err
}

// setHeaders writes the headers. SES replaces Message-ID and Date by its own.
func (r *Renderer) setHeaders(m *gomail.Msg, mail deltag.MailContext, c content, now time.Time) error {
	from, err := netmail.ParseAddress(r.From)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	to, err := netmail.ParseAddress(mail.Registration.Email.ASCII())
	if err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	// The name is the organiser's; the address stays the one that SES may sign for.
	organiser := headerText(mail.Event.Organiser.Name)
	m.FromMailAddress(&netmail.Address{Name: organiser, Address: from.Address})
	if mail.Kind != deltag.KindVerification { // which repeats nothing that somebody typed
		to.Name = headerText(mail.Registration.Name)
	}
	m.ToMailAddress(to)
	if replyTo, ok := asciiAddress(mail.Event.Organiser.Email); ok {
		m.ReplyToMailAddress(&netmail.Address{Name: organiser, Address: replyTo})
	}
	key := deltag.DeliveryKey{RegistrationID: mail.Registration.ID, Kind: mail.Kind, Version: mail.Version}
	_, domain, _ := strings.Cut(from.Address, "@")
	m.SetMessageIDWithValue(key.ID() + "@" + domain)
	m.SetDateWithValue(now.UTC())
	m.Subject(headerText(c.Subject))
	m.SetGenHeader(gomail.HeaderContentLang, string(c.Language))
	if mail.Kind != deltag.KindMessage { // which a person wrote
		m.SetGenHeader("Auto-Submitted", "auto-generated")                   // RFC 3834
		m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "OOF, AutoReply") // the same, for Exchange
	}
	if c.Unsubscribe != "" { // RFC 8058
		m.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+c.Unsubscribe+">")
		m.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	return nil
}

// attachInvitation adds the invitation twice, as Google's own invitations do: as the last alternative, which calendars
// act on and Outlook looks for within the first part of the message, and as a file for all others.
func attachInvitation(m *gomail.Msg, method deltag.CalendarMethod, file []byte) {
	contentType := gomail.ContentType("text/calendar; method=" + string(method))
	// Base64, because some servers rewrap text and would break the file's folded lines.
	m.AddAlternativeString(contentType, string(file), gomail.WithPartEncoding(gomail.EncodingB64))
	m.AttachReadSeeker("invitation.ics", bytes.NewReader(file), gomail.WithFileContentType("application/ics"))
}

// calendarMethod is the kind's, but nothing is cancelled in the calendar of somebody who was never confirmed.
func calendarMethod(mail deltag.MailContext) deltag.CalendarMethod {
	method := mail.Kind.CalendarMethod()
	if method == deltag.CalendarCancel && mail.Registration.ConfirmedAt.IsZero() {
		return deltag.CalendarNone
	}
	return method
}

// asciiAddress returns a bare address, or false if a header cannot hold it.
func asciiAddress(address string) (string, bool) {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Name != "" || strings.ContainsFunc(parsed.Address, func(r rune) bool { return r >= 0x80 }) {
		return "", false
	}
	return parsed.Address, true
}

// headerText is s as one line in which nothing looks like an encoded word (RFC 2047), whose decoded text would be
// unchecked.
func headerText(s string) string { return strings.ReplaceAll(singleLine(s), "=?", "= ?") }

// singleLine makes s one line of visible text, without line breaks and without the controls that change the reading
// direction.
func singleLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}), " ")
}
