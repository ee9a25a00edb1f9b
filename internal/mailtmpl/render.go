// Package message composes the mails: the words for each kind, as HTML and as text written for reading, and the
// invitation where calendars are to know. What a mail says follows from the letter as it stands at sending.
package mailtmpl

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
)

// A Renderer makes messages ready for SES. It may be used by several at once.
type Renderer struct {
	From    string // MAIL_FROM: "Name <address>", or an address alone
	BaseURL string // scheme and host; no slash at the end
}

// Render makes the message of l as it stands at now. It fails for a kind that has no words, and for addresses
// that no header can hold.
func (c *Renderer) Render(l deltag.MailContext, now time.Time) ([]byte, error) {
	raw, err := c.render(l, now)
	if err != nil {
		return nil, fmt.Errorf("compose %s: %w", l.Kind, err)
	}
	return raw, nil
}

func (c *Renderer) render(l deltag.MailContext, now time.Time) ([]byte, error) {
	n, err := c.newContent(l, now)
	if err != nil {
		return nil, err
	}
	html, err := n.html()
	if err != nil {
		return nil, err
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	if err := c.setHeaders(m, l, n, now); err != nil {
		return nil, err
	}
	m.SetBodyString(mail.TypeTextPlain, n.text())
	m.AddAlternativeString(mail.TypeTextHTML, html)
	if method := calendarMethod(l); method != deltag.CalendarNone {
		attachInvitation(m, method, calendar.Invitation(l, method, calendar.NewPersonalLinks(c.BaseURL, l.Registration), now))
	}
	var b bytes.Buffer
	_, err = m.WriteTo(&b)
	return b.Bytes(), err
}

// setHeaders writes the headers. SES puts its own Message-ID and Date in place of ours.
func (c *Renderer) setHeaders(m *mail.Msg, l deltag.MailContext, n content, now time.Time) error {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	to, err := netmail.ParseAddress(l.Registration.Email.ASCII())
	if err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	// The organiser's name tells whom the mail is from; the address stays the one that SES may sign for.
	m.FromMailAddress(&netmail.Address{Name: headerText(l.Event.Organiser.Name), Address: from.Address})
	m.ToMailAddress(&netmail.Address{Name: headerText(l.Registration.Name), Address: to.Address})
	if replies, ok := asciiAddress(l.Event.Organiser.Email); ok {
		m.ReplyToMailAddress(&netmail.Address{Name: headerText(l.Event.Organiser.Name), Address: replies})
	}
	key := deltag.DeliveryKey{RegistrationID: l.Registration.ID, Kind: l.Kind, Version: l.Version}
	_, domain, _ := strings.Cut(from.Address, "@")
	m.SetMessageIDWithValue(key.ID() + "@" + domain)
	m.SetDateWithValue(now.UTC())
	m.Subject(headerText(n.Subject))
	m.SetGenHeader(mail.HeaderContentLang, string(n.Language))
	if l.Kind != deltag.KindMessage { // which a person wrote
		m.SetGenHeader("Auto-Submitted", "auto-generated")                 // RFC 3834
		m.SetGenHeader(mail.HeaderXAutoResponseSuppress, "OOF, AutoReply") // the same, for Exchange
	}
	if n.Unsubscribe != "" { // RFC 8058
		m.SetGenHeader(mail.HeaderListUnsubscribe, "<"+n.Unsubscribe+">")
		m.SetGenHeader(mail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	return nil
}

// attachInvitation adds the invitation twice, as Google's own invitations do: as the last alternative, which calendars
// act on, and as a file, for those that don't. Outlook looks for the first within the first part of the message.
func attachInvitation(m *mail.Msg, method deltag.CalendarMethod, file []byte) {
	// Base64 keeps the file's folded lines out of reach of whoever rewraps text on the way.
	m.AddAlternativeString(mail.ContentType("text/calendar; method="+string(method)), string(file), mail.WithPartEncoding(mail.EncodingB64))
	m.AttachReadSeeker("invitation.ics", bytes.NewReader(file), mail.WithFileContentType("application/ics"))
}

// calendarMethod is the kind's, and none for those whose calendar never had an entry: they only waited.
func calendarMethod(l deltag.MailContext) deltag.CalendarMethod {
	method := l.Kind.CalendarMethod()
	if method == deltag.CalendarCancel && l.Registration.ConfirmedAt.IsZero() {
		return deltag.CalendarNone
	}
	return method
}

// asciiAddress is a bare address, and false when it is none that a header can hold.
func asciiAddress(address string) (string, bool) {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Name != "" || strings.ContainsFunc(parsed.Address, func(r rune) bool { return r >= 0x80 }) {
		return "", false
	}
	return parsed.Address, true
}

// headerText is s as one line that no reader takes for an encoded word: what it would decode to, nobody has checked.
func headerText(s string) string { return strings.ReplaceAll(singleLine(s), "=?", "= ?") }

// singleLine makes s one line of visible text, without the controls that turn the reading direction.
func singleLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}), " ")
}
