package local

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A SESServer stands in for SES. It answers SendEmail of the SES v2 API, and stores each mail on disk before the
// answer. It can be made to fail.
type SESServer struct {
	*mailbox
	now func() time.Time

	failureMu sync.Mutex
	failure   FailureMode
	times     int // how often failure is still to come

	accepted chan struct{} // wakes RunPublisher
}

// OpenSESServer stores mails in a folder, which may hold some already. Only one process at a time may use it.
func OpenSESServer(folder string, now func() time.Time) (*SESServer, error) {
	mails, err := openMailbox(folder)
	if err != nil {
		return nil, err
	}
	s := &SESServer{mailbox: mails, now: now, failure: FailOff, accepted: make(chan struct{}, 1)}
	s.signal()
	return s, nil
}

// signal tells RunPublisher that a mail was accepted. It never blocks.
func (s *SESServer) signal() {
	select {
	case s.accepted <- struct{}{}:
	default:
	}
}

// A FailureMode is how the next sends fail.
type FailureMode string

// FailThrottle and FailQuota refuse the mail for now, FailReject for good. FailNotVerified, FailAccessDenied and
// FailPaused refuse all mail. FailTimeoutAfterAccept accepts it and closes the connection unanswered.
const (
	FailOff                FailureMode = "off"
	FailThrottle           FailureMode = "throttle"
	FailQuota              FailureMode = "quota"
	FailReject             FailureMode = "reject"
	FailNotVerified        FailureMode = "not-verified"
	FailAccessDenied       FailureMode = "access-denied"
	FailPaused             FailureMode = "paused"
	FailTimeoutAfterAccept FailureMode = "timeout-after-accept"
)

// refusals are SES's answers to the mail that it does not accept.
var refusals = map[FailureMode]*sesError{
	FailThrottle: {http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded."},
	FailQuota:    {http.StatusTooManyRequests, "TooManyRequestsException", "Daily message quota exceeded."},
	FailReject:   {http.StatusBadRequest, "MessageRejected", "Transaction failed: Duplicate header 'Subject'."},
	FailNotVerified: {http.StatusBadRequest, "MessageRejected", "Email address is not verified. The following " +
		"identities failed the check in region LOCAL: deltag@example.dk"},
	FailAccessDenied: {http.StatusForbidden, "AccessDeniedException",
		"User is not authorized to perform ses:SendEmail, because no identity-based policy allows it."},
	FailPaused: {http.StatusBadRequest, "SendingPausedException", "Sending is paused for this account."},
}

// InjectFailures makes so many of the next sends fail.
func (s *SESServer) InjectFailures(mode FailureMode, times int) {
	s.failureMu.Lock()
	defer s.failureMu.Unlock()
	s.failure, s.times = mode, times
}

// Failures returns the injected failures that are still to come.
func (s *SESServer) Failures() (FailureMode, int) {
	s.failureMu.Lock()
	defer s.failureMu.Unlock()
	return s.failure, s.times
}

func (s *SESServer) nextFailure() FailureMode {
	s.failureMu.Lock()
	defer s.failureMu.Unlock()
	mode := s.failure
	if s.times--; s.times <= 0 {
		s.failure, s.times = FailOff, 0
	}
	return mode
}

// sendEmailRequest is the part of the request that is understood. Any other field is refused rather than ignored.
type sendEmailRequest struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content          struct {
		Raw *struct{ Data []byte }
	}
	EmailTags            []struct{ Name, Value string }
	ConfigurationSetName string
}

// A sesError is an error answer of SES. Its type is sent in a header.
type sesError struct {
	status        int
	kind, message string
}

func (e *sesError) Error() string { return e.kind + ": " + e.message }

func badMail(format string, args ...any) error {
	return &sesError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...)}
}

// Limits of SES for one message.
const (
	maxMail       = 40 << 20 // bytes, without the base64 of the request
	maxRecipients = 50
	maxTags       = 50
)

func (s *SESServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		writeSESResponse(w, nil, &sesError{http.StatusNotFound, "NotFoundException", "only SendEmail is known here"})
		return
	}
	id, err := s.send(http.MaxBytesReader(w, r.Body, maxMail*3/2)) // base64 adds a third
	writeSESResponse(w, map[string]string{"MessageId": id}, err)
}

func writeSESResponse(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		var e *sesError
		if !errors.As(err, &e) {
			slog.Error("mail not stored", "error", err)
			e = &sesError{http.StatusInternalServerError, "InternalServiceErrorException", "the mail was not stored"}
		}
		w.Header().Set("X-Amzn-Errortype", e.kind)
		status, out = e.status, map[string]string{"message": e.message}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}

func (s *SESServer) send(body io.Reader) (string, error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var request sendEmailRequest
	if err := d.Decode(&request); err != nil {
		return "", badMail("the request cannot be read: %v", err)
	}
	m, err := request.check()
	if err != nil {
		return "", err
	}
	failure := s.nextFailure()
	if refusal := refusals[failure]; refusal != nil {
		return "", refusal
	}
	id, err := s.add(m, s.now())
	if err != nil {
		return "", err
	}
	s.signal()
	if failure == FailTimeoutAfterAccept {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	return id, nil
}

// tagPattern is what SES documents for the names and values of tags. Whether the service also takes others, such as
// dots, is not promised, so they are refused here.
var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// check refuses what SES would refuse.
func (in sendEmailRequest) check() (storedMail, error) {
	m := storedMail{From: in.FromEmailAddress, ConfigurationSet: in.ConfigurationSetName, Tags: map[string][]string{}}
	if in.Content.Raw == nil || len(in.Content.Raw.Data) == 0 {
		return m, badMail("Content.Raw.Data is missing.")
	}
	if m.Raw = in.Content.Raw.Data; len(m.Raw) > maxMail {
		return m, badMail("Message length is more than %d bytes long: %d.", maxMail, len(m.Raw))
	}
	if len(in.EmailTags) > maxTags {
		return m, badMail("More than %d tags.", maxTags)
	}
	for _, t := range in.EmailTags {
		if !tagPattern.MatchString(t.Name) || !tagPattern.MatchString(t.Value) {
			return m, badMail("Invalid tag <%s>: only ASCII letters, digits, '_', '-', 256 at most.", t.Name)
		}
		if m.Tags[t.Name] != nil {
			return m, badMail("Duplicate tag <%s>.", t.Name)
		}
		m.Tags[t.Name] = []string{t.Value}
	}
	if m.ConfigurationSet != "" {
		m.Tags["ses:configuration-set"] = []string{m.ConfigurationSet}
	}
	d := in.Destination
	if err := m.setAddresses(slices.Concat(d.ToAddresses, d.CcAddresses, d.BccAddresses)); err != nil {
		return m, err
	}
	if _, err := m.parse(); err != nil {
		return m, badMail("The message cannot be read: %v.", err)
	}
	return m, nil
}

// setAddresses takes sender and recipients from the request, or from the message if the request has none.
func (m *storedMail) setAddresses(to []string) error {
	message, err := mail.ReadMessage(strings.NewReader(string(m.Raw)))
	if err != nil {
		return badMail("The message cannot be read: %v.", err)
	}
	if m.From = cmp.Or(m.From, message.Header.Get("From")); m.From == "" {
		return badMail("Missing required header 'From'.")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		return badMail("The sender cannot be read: %v.", err)
	}
	if len(to) == 0 {
		for _, name := range []string{"To", "Cc", "Bcc"} {
			to = append(to, message.Header[name]...)
		}
	}
	list, err := mail.ParseAddressList(strings.Join(to, ", "))
	if err != nil {
		return badMail("The recipients cannot be read: %v.", err)
	}
	if len(list) > maxRecipients {
		return badMail("Recipient count exceeds %d.", maxRecipients)
	}
	for _, a := range list {
		m.To = append(m.To, a.Address)
	}
	return nil
}
