package local

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/mail"
	"net/textproto"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Limits of SES for one message: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
const (
	maxMail       = 40 << 20 // bytes, after base64 encoding
	maxRecipients = 50
	maxParts      = 500
	maxTags       = 50
)

// Limits of RFC 5321, section 4.5.3.1, in octets. The line's counts CR LF, as SES's reference of RawMessage says.
const (
	maxLine      = 1000
	maxLocalPart = 64
	maxAddress   = 254 // a path of 256, with < and >
)

// tagPattern is what SES documents for the names and values of tags. Whether the service also takes others, such as
// dots, is not promised, so they are refused here.
var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// onceOnly are the header fields that may not appear twice: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html.
// RFC 5322 adds To, Cc and Bcc.
var onceOnly = strings.Fields(`
	accept-language acceptlanguage archived-at auto-submitted bcc bounces-to cc comments content-alternative content-base
	content-class content-description content-disposition content-duration content-id content-language content-length
	content-location content-md5 content-transfer-encoding content-type date delivered-to disposition-notification-options
	disposition-notification-to dkim-signature domainkey-signature errors-to from importance in-reply-to keywords
	list-archive list-help list-id list-owner list-post list-subscribe list-unsubscribe list-unsubscribe-post
	message-context message-id mime-version organization original-from original-message-id original-recipient
	original-subject precedence priority references reply-to return-path return-receipt-to sender sensitivity solicitation
	subject thread-index thread-topic to user-agent vbr-info`)

// unsupportedFiles are the extensions that attachments may not have:
// https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
var unsupportedFiles = strings.Fields(`
	.ade .adp .app .asp .bas .bat .cer .chm .cmd .com .cpl .crt .csh .der .exe .fxp .gadget .hlp .hta .inf .ins .isp .its
	.js .jse .ksh .lib .lnk .mad .maf .mag .mam .maq .mar .mas .mat .mau .mav .maw .mda .mdb .mde .mdt .mdw .mdz .msc .msh
	.msh1 .msh2 .mshxml .msh1xml .msh2xml .msi .msp .mst .ops .pcd .pif .plg .prf .prg .ps1 .ps1xml .ps2 .ps2xml .psc1
	.psc2 .reg .scf .scr .sct .shb .shs .sys .tmp .url .vb .vbe .vbs .vps .vsmacros .vss .vst .vsw .vxd .ws .wsc .wsf .wsh
	.xnk`)

// A SESAccount is what is set up at SES.
type SESAccount struct {
	Identities        []string // verified: addresses, and domains with all of their subdomains
	ConfigurationSets []string
}

func badMail(format string, args ...any) error {
	return &sesError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...)}
}

func notVerified(address string) *sesError {
	return &sesError{http.StatusBadRequest, "MessageRejected", "Email address is not verified. The following " +
		"identities failed the check in region LOCAL: " + address}
}

// check refuses what SES would refuse.
func (in sendEmailRequest) check(account SESAccount) (storedMail, error) {
	m := storedMail{ConfigurationSet: in.ConfigurationSetName, Tags: map[string][]string{}}
	if in.Content.Raw == nil || len(in.Content.Raw.Data) == 0 {
		return m, badMail("Content.Raw.Data is missing.")
	}
	m.Raw = in.Content.Raw.Data
	if n := base64.StdEncoding.EncodedLen(len(m.Raw)); n > maxMail {
		return m, badMail("Message length is more than %d bytes long: %d.", maxMail, n)
	}
	if err := m.setTags(in.EmailTags); err != nil {
		return m, err
	}
	if m.ConfigurationSet != "" {
		if !slices.Contains(account.ConfigurationSets, m.ConfigurationSet) {
			return m, &sesError{http.StatusNotFound, "NotFoundException",
				"Configuration set <" + m.ConfigurationSet + "> does not exist."}
		}
		m.Tags["ses:configuration-set"] = []string{m.ConfigurationSet}
	}
	header, err := checkMessage(m.Raw)
	if err != nil {
		return m, err
	}
	d := in.Destination
	if err := m.setRecipients(header, slices.Concat(d.ToAddresses, d.CcAddresses, d.BccAddresses)); err != nil {
		return m, err
	}
	return m, m.setSender(header, in.FromEmailAddress, account)
}

func (m storedMail) setTags(tags []sesTag) error {
	if len(tags) > maxTags {
		return badMail("More than %d tags.", maxTags)
	}
	for _, t := range tags {
		if !tagPattern.MatchString(t.Name) || !tagPattern.MatchString(t.Value) {
			return badMail("Invalid tag <%s>: only ASCII letters, digits, '_', '-', 256 at most.", t.Name)
		}
		if m.Tags[t.Name] != nil {
			return badMail("Duplicate tag <%s>.", t.Name)
		}
		m.Tags[t.Name] = []string{t.Value}
	}
	return nil
}

// checkMessage refuses a message that breaks a rule of SES's reference of RawMessage, or that this server cannot read.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_RawMessage.html
func checkMessage(raw []byte) (mail.Header, error) {
	for line := range bytes.Lines(raw) {
		text, ended := bytes.CutSuffix(line, []byte("\r\n"))
		if bytes.ContainsAny(text, "\r\n\x00") || !ended && len(text) > maxLine-2 || len(line) > maxLine {
			return nil, badMail("A line does not end in CR LF, has a NUL, or is longer than %d octets.", maxLine)
		}
	}
	block, _, separated := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !separated {
		return nil, badMail("No empty line between the header and the body.")
	}
	if bytes.ContainsFunc(block, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, badMail("The header is not 7-bit ASCII: see RFC 2047.")
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, badMail("The message cannot be read: %v.", err)
	}
	for name, values := range message.Header {
		switch lower := strings.ToLower(name); {
		case len(values) > 1 && slices.Contains(onceOnly, lower):
			return nil, badMail("Duplicate header '%s'.", name)
		case strings.HasPrefix(lower, "x-ses-"): // SES obeys and removes them
			return nil, badMail("Not supported by this stand-in: the header '%s'.", name)
		}
	}
	return message.Header, checkParts(message)
}

// checkParts also refuses what cannot be decoded.
func checkParts(message *mail.Message) error {
	parts, unsupported := 0, ""
	err := walkParts(textproto.MIMEHeader(message.Header), message.Body, 0, func(p mailPart) {
		if extension := strings.ToLower(path.Ext(p.fileName())); slices.Contains(unsupportedFiles, extension) {
			unsupported = extension
		}
		parts++
	})
	switch {
	case err != nil:
		return badMail("The message cannot be read: %v.", err)
	case parts > maxParts:
		return badMail("More than %d MIME parts.", maxParts)
	case unsupported != "":
		return badMail("Unsupported attachment type %s.", unsupported)
	}
	return nil
}

// setRecipients takes the recipients from the request, or from the message if the request has none.
func (m *storedMail) setRecipients(header mail.Header, to []string) error {
	if len(to) == 0 {
		for _, name := range []string{"To", "Cc", "Bcc"} {
			to = append(to, header[textproto.CanonicalMIMEHeaderKey(name)]...)
		}
	}
	list, err := mail.ParseAddressList(strings.Join(to, ", "))
	if err != nil {
		return badMail("The recipients cannot be read: %v.", err)
	}
	if len(list) > maxRecipients {
		return badMail("Recipient count exceeds %d.", maxRecipients)
	}
	for n, a := range list {
		if len(to) == len(list) && !isASCII(to[n]) || !isSMTPAddress(a.Address) {
			return badMail("Not an address that SMTP without SMTPUTF8 can have: %q.", a.Address)
		}
		m.To = append(m.To, a.Address)
	}
	return nil
}

// setSender takes the sender from the request, or from the message if the request has none. Every address that the mail
// claims to be from must be verified.
func (m *storedMail) setSender(header mail.Header, from string, account SESAccount) error {
	if header.Get("From") == "" {
		return badMail("Missing required header 'From'.")
	}
	claimed := []string{header.Get("From"), header.Get("Sender"), header.Get("Return-Path")}
	if m.From = header.Get("From"); from != "" {
		m.From = from
		claimed = append(claimed, from)
	}
	for _, text := range claimed {
		if text == "" {
			continue
		}
		list, err := mail.ParseAddressList(text)
		if err != nil || !isASCII(text) {
			return badMail("The sender %q cannot be read: %v.", text, err)
		}
		for _, a := range list {
			if !isSMTPAddress(a.Address) {
				return badMail("Not an address that SMTP without SMTPUTF8 can have: %q.", a.Address)
			}
			if !account.isVerified(a.Address) {
				return notVerified(a.Address)
			}
		}
	}
	return nil
}

func (a SESAccount) isVerified(address string) bool {
	domain := strings.ToLower(address[strings.LastIndex(address, "@")+1:])
	return slices.ContainsFunc(a.Identities, func(identity string) bool {
		return identity == address || identity == domain || strings.HasSuffix(domain, "."+identity)
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// isSMTPAddress is for an address that mail.ParseAddress has read.
func isSMTPAddress(address string) bool {
	local := address[:strings.LastIndex(address, "@")]
	return isASCII(address) && len(address) <= maxAddress && len(local) <= maxLocalPart
}
