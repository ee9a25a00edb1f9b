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

// A Mail is a mail as /local/mails shows it.
type Mail struct {
	ID       string            `json:"id"` // SES's message id
	At       time.Time         `json:"at"`
	From     string            `json:"from"`
	To       []string          `json:"to"` // bare addresses
	Subject  string            `json:"subject"`
	Kind     string            `json:"kind"`
	Headers  map[string]string `json:"headers"` // decoded; names as in the message; repeated ones joined by ", "
	Text     string            `json:"text"`
	HTML     string            `json:"html"`
	Calendar string            `json:"calendar"`
	RawURL   string            `json:"rawURL"`

	Attachments []Attachment `json:"-"`

	Delivery string `json:"-"` // the tag that names its delivery
}

// An Attachment is a part that is not shown as the mail's text, HTML or calendar alone.
type Attachment struct {
	Name, Type string
	Data       []byte
}

// read parses the message into m.
func (m *Mail) read(raw []byte) error {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("not a message: %w", err)
	}
	m.Headers = headers(msg.Header, raw)
	m.Subject = decodeWords(msg.Header.Get("Subject"))
	if from := msg.Header.Get("From"); from != "" {
		m.From = decodeWords(from)
	}
	return walkParts(textproto.MIMEHeader(msg.Header), msg.Body, 0, m.addPart)
}

// headers keeps the spelling of the names, which net/mail does not.
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
		all[validUTF8([]byte(spelled[name]))] = strings.Join(decoded, ", ")
	}
	return all
}

// decodeWords decodes encoded words (RFC 2047). A word that cannot be decoded stays as it is.
func decodeWords(s string) string {
	if decoded, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		s = decoded
	}
	return validUTF8([]byte(s))
}

// validUTF8 replaces what is not UTF-8.
func validUTF8(text []byte) string { return strings.ToValidUTF8(string(text), "\uFFFD") }

// maxDepth is how deeply parts may be nested; our mails have three levels.
const maxDepth = 10

// A mailPart is one that is not a multipart, decoded.
type mailPart struct {
	header textproto.MIMEHeader
	kind   string
	params map[string]string // of the Content-Type
	data   []byte
}

// disposition is the Content-Disposition and its parameters; "" if there is none.
func (p mailPart) disposition() (string, map[string]string) {
	disposition, details, err := mime.ParseMediaType(p.header.Get("Content-Disposition"))
	if err != nil {
		return "", nil
	}
	return disposition, details
}

// fileName is "" for a part without one.
func (p mailPart) fileName() string {
	_, details := p.disposition()
	if name := decodeWords(details["filename"]); name != "" {
		return name
	}
	return decodeWords(p.params["name"])
}

// walkParts visits each part that is not a multipart. An error is one of the message.
func walkParts(header textproto.MIMEHeader, body io.Reader, depth int, visit func(mailPart)) error {
	kind, params := "text/plain", map[string]string{}
	if h := header.Get("Content-Type"); h != "" {
		var err error
		if kind, params, err = mime.ParseMediaType(h); err != nil {
			return fmt.Errorf("Content-Type %q: %w", h, err)
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		return walkMultipart(body, params["boundary"], depth+1, visit)
	}
	data, err := io.ReadAll(transferDecoder(header.Get("Content-Transfer-Encoding"), body))
	if err != nil {
		return fmt.Errorf("part %s: %w", kind, err)
	}
	visit(mailPart{header, kind, params, data})
	return nil
}

func walkMultipart(body io.Reader, boundary string, depth int, visit func(mailPart)) error {
	if depth > maxDepth {
		return fmt.Errorf("parts nested more than %d deep", maxDepth)
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
		if err := walkParts(part.Header, part, depth, visit); err != nil {
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

// addPart shows the first part of each type, and makes the others attachments. An attached calendar is both.
func (m *Mail) addPart(p mailPart) {
	disposition, _ := p.disposition()
	attached := disposition == "attachment"
	shown := map[string]*string{"text/plain": &m.Text, "text/html": &m.HTML, "text/calendar": &m.Calendar}[p.kind]
	if shown != nil && *shown == "" && (!attached || p.kind == "text/calendar") {
		*shown = decodeCharset(p.params["charset"], p.data)
	}
	if attached || shown == nil {
		m.Attachments = append(m.Attachments, Attachment{Name: filepath.Base(p.fileName()), Type: p.kind, Data: p.data})
	}
}

// decodeCharset decodes Latin-1 and UTF-8. Text in other character sets is shown undecoded.
func decodeCharset(charset string, data []byte) string {
	if !strings.EqualFold(charset, "iso-8859-1") {
		return validUTF8(data)
	}
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}
