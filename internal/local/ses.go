package local

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// A SESServer stands in for SES. It answers SendEmail of the SES v2 API, refuses what SES's documentation forbids (see
// ses_rules.go), and stores each mail on disk before the answer. It can be made to fail.
type SESServer struct {
	*mailbox
	account SESAccount
	now     func() time.Time

	failureMu sync.Mutex
	failure   FailureMode
	times     int // how often failure is still to come

	accepted chan struct{} // wakes RunPublisher
}

// OpenSESServer stores mails in a folder, which may hold some already. Only one process at a time may use it.
func OpenSESServer(folder string, account SESAccount, now func() time.Time) (*SESServer, error) {
	mails, err := openMailbox(folder)
	if err != nil {
		return nil, err
	}
	s := &SESServer{mailbox: mails, account: account, now: now, failure: FailOff, accepted: make(chan struct{}, 1)}
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
	FailThrottle:    {http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded."},
	FailQuota:       {http.StatusTooManyRequests, "TooManyRequestsException", "Daily message quota exceeded."},
	FailReject:      {http.StatusBadRequest, "MessageRejected", "Transaction failed: Duplicate header 'Subject'."},
	FailNotVerified: notVerified("deltag@example.dk"),
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
	EmailTags            []sesTag
	ConfigurationSetName string
}

type sesTag struct{ Name, Value string }

// A sesError is an error answer of SES. Its type is sent in a header.
type sesError struct {
	status        int
	kind, message string
}

func (e *sesError) Error() string { return e.kind + ": " + e.message }

// maxRequest is a message of maxMail, and room for the rest of the request.
const maxRequest = maxMail + 64<<10

func (s *SESServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		writeSESResponse(w, nil, &sesError{http.StatusNotFound, "NotFoundException", "only SendEmail is known here"})
		return
	}
	id, err := s.send(http.MaxBytesReader(w, r.Body, maxRequest))
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
	m, err := request.check(s.account)
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
