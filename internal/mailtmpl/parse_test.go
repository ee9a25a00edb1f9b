package mailtmpl_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/emersion/go-ical"

	"deltag/internal/deltag"
)

// A parsedMail is a message as the standard library parses it.
type parsedMail struct {
	raw    []byte
	header mail.Header
	shape  string // the tree of content types
	text   string
	html   string
	ics    string
	method string // in the header of the calendar part
	file   string // the attachment
	name   string // of the attachment
}

func render(t *testing.T, s mailCase) parsedMail {
	t.Helper()
	raw, err := renderer.Render(s.MailContext, s.at)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, raw)
}

func parse(t *testing.T, raw []byte) parsedMail {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	r := parsedMail{raw: raw, header: m.Header}
	r.shape = r.part(t, m.Header.Get, m.Body)
	return r
}

func (r *parsedMail) part(t *testing.T, header func(string) string, body io.Reader) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		t.Fatalf("content type %q: %v", header("Content-Type"), err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		return kind + "{" + strings.Join(r.parts(t, params["boundary"], body), " ") + "}"
	}
	switch header("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	default:
		t.Errorf("%s is encoded as %q", kind, header("Content-Transfer-Encoding"))
	}
	decoded, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	if kind != "application/ics" && params["charset"] != "UTF-8" {
		t.Errorf("%s has the charset %q", kind, params["charset"])
	}
	switch kind {
	case "text/plain":
		r.text = strings.ReplaceAll(string(decoded), "\r\n", "\n")
	case "text/html":
		r.html = string(decoded)
	case "text/calendar":
		r.ics, r.method = string(decoded), params["method"]
	case "application/ics":
		r.file = string(decoded)
		how, params, err := mime.ParseMediaType(header("Content-Disposition"))
		if err != nil || how != "attachment" {
			t.Errorf("disposition %q: %v", header("Content-Disposition"), err)
		}
		r.name = params["filename"]
	}
	return kind
}

func (r *parsedMail) parts(t *testing.T, boundary string, body io.Reader) []string {
	t.Helper()
	var shapes []string
	for all := multipart.NewReader(body, boundary); ; {
		p, err := all.NextRawPart()
		if err == io.EOF {
			return shapes
		}
		if err != nil {
			t.Fatalf("boundary %s: %v", boundary, err)
		}
		shapes = append(shapes, r.part(t, p.Header.Get, p))
	}
}

func (r parsedMail) decoded(t *testing.T, key string) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(r.header.Get(key))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return s
}

func (r parsedMail) address(t *testing.T, key string) mail.Address {
	t.Helper()
	list, err := r.header.AddressList(key)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s %q: %d addresses, %v", key, r.header.Get(key), len(list), err)
	}
	return *list[0]
}

func (r parsedMail) page(t *testing.T) *goquery.Document {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(r.html))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (r parsedMail) calendar(t *testing.T) (*ical.Calendar, ical.Event) {
	t.Helper()
	file, err := ical.NewDecoder(strings.NewReader(r.ics)).Decode()
	if err != nil || len(file.Events()) != 1 {
		t.Fatalf("%v in:\n%s", err, r.ics)
	}
	return file, file.Events()[0]
}

func manageURL(s mailCase) string {
	return renderer.BaseURL + "/r/" + s.Registration.LinkToken(deltag.PurposeManage)
}

func joinURL(s mailCase) string {
	return renderer.BaseURL + "/join/" + s.Registration.LinkToken(deltag.PurposeJoin)
}

func unsubscribeURL(s mailCase) string {
	return renderer.BaseURL + "/unsubscribe/" + s.Registration.LinkToken(deltag.PurposeUnsubscribe)
}
