package local

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"path/filepath"
	"strings"
	"time"
)

// A Mail is a message as /local/mails shows it.
type Mail struct {
	ID       string            `json:"id"` // SES's message id
	At       time.Time         `json:"at"`
	From     string            `json:"from"`
	To       []string          `json:"to"` // bare addresses
	Subject  string            `json:"subject"`
	Kind     string            `json:"kind"`
	Headers  map[string]string `json:"headers"` // decoded, by name as written; repeated ones joined by ", "
	Text     string            `json:"text"`
	HTML     string            `json:"html"`
	Calendar string            `json:"calendar"`
	RawURL   string            `json:"rawURL"`

	Attachments []Attachment `json:"-"`

	Delivery string `json:"-"` // the tag that names its row of the ledger
}

// An Attachment is a part of a mail that is not shown in its place.
type Attachment struct {
	Name, Type string
	Data       []byte
}

// read fills in what the message itself says. The error tells what is wrong with it.
func (m *Mail) read(raw []byte) error {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("no message: %w", err)
	}
	m.Headers = headers(msg.Header, raw)
	m.Subject = decodeWords(msg.Header.Get("Subject"))
	if from := msg.Header.Get("From"); from != "" {
		m.From = decodeWords(from)
	}
	return m.readPart(textproto.MIMEHeader(msg.Header), msg.Body, 0)
}

// headers spells the names as the message does, which net/mail does not.
func headers(header mail.Header, raw []byte) map[string]string {
	spelled := map[string]string{}
	block, _, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n")
	for line := range strings.Lines(block) {
		name, _, _ := strings.Cut(line, ":")
		spelled[textproto.CanonicalMIMEHeaderKey(name)] = name
	}
	all := make(map[string]string, len(header))
	for name, values := range header {
		decoded := make([]string, len(values))
		for i, v := range values {
			decoded[i] = decodeWords(v)
		}
		all[readable([]byte(spelled[name]))] = strings.Join(decoded, ", ")
	}
	return all
}

// decodeWords undoes RFC 2047, as far as it can be undone.
func decodeWords(s string) string {
	if decoded, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		s = decoded
	}
	return readable([]byte(s))
}

// readable marks what is no UTF-8.
func readable(text []byte) string { return strings.ToValidUTF8(string(text), "\uFFFD") }

// maxDepth of parts in parts; ours has three.
const maxDepth = 10

func (m *Mail) readPart(header textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, params := "text/plain", map[string]string{}
	if h := header.Get("Content-Type"); h != "" {
		var err error
		if kind, params, err = mime.ParseMediaType(h); err != nil {
			return fmt.Errorf("Content-Type %q: %w", h, err)
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.readParts(body, params["boundary"], depth+1)
	}
	data, err := io.ReadAll(transferDecoder(header.Get("Content-Transfer-Encoding"), body))
	if err != nil {
		return fmt.Errorf("part %s: %w", kind, err)
	}
	m.take(header, kind, params, data)
	return nil
}

func (m *Mail) readParts(body io.Reader, boundary string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("more than %d parts in parts", maxDepth)
	}
	parts := multipart.NewReader(body, boundary)
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("multipart: %w", err)
		}
		if err := m.readPart(part.Header, part, depth); err != nil {
			return err
		}
	}
}

func transferDecoder(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}

// take puts a part where it belongs: the first of each kind is shown, the rest are attachments.
func (m *Mail) take(header textproto.MIMEHeader, kind string, params map[string]string, data []byte) {
	disposition, details, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	attached := err == nil && disposition == "attachment"
	shown := map[string]*string{"text/plain": &m.Text, "text/html": &m.HTML, "text/calendar": &m.Calendar}[kind]
	if shown != nil && *shown == "" && (!attached || kind == "text/calendar") {
		*shown = decodeCharset(params["charset"], data)
	}
	if attached || shown == nil {
		name := decodeWords(details["filename"])
		if name == "" {
			name = decodeWords(params["name"])
		}
		m.Attachments = append(m.Attachments, Attachment{Name: filepath.Base(name), Type: kind, Data: data})
	}
}

// decodeCharset knows Latin-1 besides UTF-8 and its part ASCII. What else there may be is shown as it is.
func decodeCharset(charset string, data []byte) string {
	if !strings.EqualFold(charset, "iso-8859-1") {
		return readable(data)
	}
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}
