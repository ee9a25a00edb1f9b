package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A SESServer stands in for SES: it answers SendEmail of the SES v2 API and keeps each mail in a file of its own, which is
// on the disk before the answer. It can be told to fail.
type SESServer struct {
	folder string
	now    func() time.Time

	mu    sync.Mutex
	last  uint64 // number of the newest mail; ids begin with it
	mails []Mail // oldest first
	// deleted are the mails to people who are erased: no disk keeps them, but they stay to be seen until the process ends.
	deleted map[string]storedMail
	failure FailureMode
	times   int

	accepted chan struct{} // something waits to be announced
}

// storedMail is a mail's file. Its name is the id, and ends in newMail until SES's Send event has been handed over.
type storedMail struct {
	ID               string              `json:"id"`
	At               time.Time           `json:"at"`
	From             string              `json:"from"`
	To               []string            `json:"to"`
	Tags             map[string][]string `json:"tags"`
	ConfigurationSet string              `json:"configurationSet,omitempty"`
	Raw              []byte              `json:"raw"`
}

const (
	oldMail = ".json"
	newMail = ".new" + oldMail
)

// OpenSESServer keeps mails in a folder, which may hold some already. One process at a time may have it.
func OpenSESServer(folder string, now func() time.Time) (*SESServer, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	r := &SESServer{folder: folder, now: now, failure: FailOff, deleted: map[string]storedMail{}, accepted: make(chan struct{}, 1)}
	files, err := filepath.Glob(filepath.Join(folder, "*"+oldMail))
	if err != nil {
		return nil, err
	}
	for _, file := range files { // in the order of their ids
		if err := r.load(file); err != nil {
			return nil, fmt.Errorf("mail %s: %w", file, err)
		}
	}
	r.signal()
	return r, nil
}

func (r *SESServer) load(file string) error {
	e, err := readEnvelope(file)
	if err != nil {
		return err
	}
	m, err := e.mail()
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(e.ID[:idDigits], 16, 64)
	if err != nil {
		return err
	}
	r.last = max(r.last, number)
	r.mails = append(r.mails, m)
	return nil
}

func readEnvelope(file string) (storedMail, error) {
	var e storedMail
	text, err := os.ReadFile(file)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, err
	}
	if len(e.ID) < idDigits {
		return e, errors.New("no id")
	}
	return e, nil
}

func (e storedMail) mail() (Mail, error) {
	m := Mail{ID: e.ID, At: e.At, From: e.From, To: e.To, Kind: e.tag("kind"), Delivery: e.tag("delivery"), RawURL: "/local/mails/" + e.ID + "/raw"}
	return m, m.read(e.Raw)
}

func (e storedMail) tag(name string) string { return strings.Join(e.Tags[name], " ") }

// Mails are all of them, oldest first.
func (r *SESServer) Mails() []Mail {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mails)
}

// Mail is the one with an id.
func (r *SESServer) Mail(id string) (Mail, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, found := slices.BinarySearchFunc(r.mails, id, compareID)
	if !found {
		return Mail{}, false
	}
	return r.mails[at], true
}

// envelope reads the file of a mail that is there. It may be renamed at this moment, from the first name to the second.
func (r *SESServer) envelope(id string) (storedMail, error) {
	r.mu.Lock()
	e, ok := r.deleted[id]
	r.mu.Unlock()
	if ok {
		return e, nil
	}
	e, err := readEnvelope(filepath.Join(r.folder, id+newMail))
	if errors.Is(err, fs.ErrNotExist) {
		return readEnvelope(filepath.Join(r.folder, id+oldMail))
	}
	return e, err
}

// Raw is the message as SES got it.
func (r *SESServer) Raw(id string) ([]byte, error) {
	e, err := r.envelope(id)
	return e.Raw, err
}

// A FailureMode is how the next sends fail.
type FailureMode string

// Throttle and Reject refuse; TimeoutAfterAccept takes the mail and lets the connection die unanswered.
const (
	FailOff                FailureMode = "off"
	FailThrottle           FailureMode = "throttle"
	FailReject             FailureMode = "reject"
	FailTimeoutAfterAccept FailureMode = "timeout-after-accept"
)

// InjectFailures makes the next sends fail, so many times.
func (r *SESServer) InjectFailures(f FailureMode, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure, r.times = f, times
}

// Failures is what Fail has asked for and has not come yet.
func (r *SESServer) Failures() (FailureMode, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure, r.times
}

func (r *SESServer) nextFailure() FailureMode {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.failure
	if r.times--; r.times <= 0 {
		r.failure, r.times = FailOff, 0
	}
	return f
}

// sendEmail is the part of SES's request that counts here. Everything else it may say is refused, rather than
// recorded wrongly.
type sendEmail struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content          struct {
		Raw *struct{ Data []byte }
	}
	EmailTags            []struct{ Name, Value string }
	ConfigurationSetName string
}

// A sesError is an error of SES's. Its type travels in a header.
type sesError struct {
	status        int
	kind, message string
}

func (f *sesError) Error() string { return f.kind + ": " + f.message }

func badMail(format string, args ...any) error {
	return &sesError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...)}
}

// maxMail is what SES takes, in bytes once encoded for the way.
const maxMail = 40 << 20

func (r *SESServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost || req.URL.Path != "/v2/email/outbound-emails" {
		answerSES(w, nil, &sesError{http.StatusNotFound, "NotFoundException", "the recorder only knows SendEmail"})
		return
	}
	id, err := r.send(http.MaxBytesReader(w, req.Body, maxMail*3/2)) // the message travels as base64
	answerSES(w, map[string]string{"MessageId": id}, err)
}

func answerSES(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		var f *sesError
		if !errors.As(err, &f) {
			slog.Error("the recorder failed", "error", err)
			f = &sesError{http.StatusInternalServerError, "InternalServiceErrorException", "the mail could not be kept"}
		}
		w.Header().Set("X-Amzn-Errortype", f.kind)
		status, out = f.status, map[string]string{"message": f.message}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // who asked may be gone
}

func (r *SESServer) send(body io.Reader) (string, error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var in sendEmail
	if err := d.Decode(&in); err != nil {
		return "", badMail("the request cannot be read: %v", err)
	}
	e, err := in.envelope()
	if err != nil {
		return "", err
	}
	fault := r.nextFailure()
	switch fault {
	case FailThrottle:
		return "", &sesError{http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded."}
	case FailReject:
		return "", &sesError{http.StatusBadRequest, "MessageRejected", "Email address is not verified."}
	}
	if err := r.accept(&e); err != nil {
		return "", err
	}
	if fault == FailTimeoutAfterAccept {
		panic(http.ErrAbortHandler) // ends the connection without an answer
	}
	return e.ID, nil
}

// tagText is what names and values of tags may consist of.
var tagText = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,256}$`)

// maxRecipients and maxTags are SES's limits for one message.
const (
	maxRecipients = 50
	maxTags       = 50
)

// envelope checks a request as SES does.
func (in sendEmail) envelope() (storedMail, error) {
	e := storedMail{From: in.FromEmailAddress, ConfigurationSet: in.ConfigurationSetName, Tags: map[string][]string{}}
	if in.Content.Raw == nil || len(in.Content.Raw.Data) == 0 {
		return e, badMail("Content.Raw.Data is missing.")
	}
	if e.Raw = in.Content.Raw.Data; len(e.Raw) > maxMail {
		return e, badMail("Message length is more than %d bytes long: %d.", maxMail, len(e.Raw))
	}
	if len(in.EmailTags) > maxTags {
		return e, badMail("More than %d tags.", maxTags)
	}
	for _, t := range in.EmailTags {
		if !tagText.MatchString(t.Name) || !tagText.MatchString(t.Value) {
			return e, badMail("Invalid tag <%s>: only alphanumeric ASCII characters, '_', '-', '.' and '@' are allowed.", t.Name)
		}
		if e.Tags[t.Name] != nil {
			return e, badMail("Duplicate tag <%s>.", t.Name)
		}
		e.Tags[t.Name] = []string{t.Value}
	}
	if e.ConfigurationSet != "" {
		e.Tags["ses:configuration-set"] = []string{e.ConfigurationSet}
	}
	if err := e.address(slices.Concat(in.Destination.ToAddresses, in.Destination.CcAddresses, in.Destination.BccAddresses)); err != nil {
		return e, err
	}
	if _, err := e.mail(); err != nil {
		return e, badMail("The message cannot be read: %v.", err)
	}
	return e, nil
}

// address fills in who the mail is from and for: the request says so, or else the message.
func (e *storedMail) address(to []string) error {
	msg, err := mail.ReadMessage(strings.NewReader(string(e.Raw)))
	if err != nil {
		return badMail("The message cannot be read: %v.", err)
	}
	if e.From = cmp.Or(e.From, msg.Header.Get("From")); e.From == "" {
		return badMail("Missing required header 'From'.")
	}
	if _, err := mail.ParseAddress(e.From); err != nil {
		return badMail("The sender cannot be read: %v.", err)
	}
	if len(to) == 0 {
		for _, name := range []string{"To", "Cc", "Bcc"} {
			to = append(to, msg.Header[name]...)
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
		e.To = append(e.To, a.Address)
	}
	return nil
}

// idDigits begin each id. They rise, so that ids sort as the mails came; where SES has its clock, the recorder counts,
// because its own clock can be turned back.
const idDigits = 16

// accept keeps a mail. When it returns, the mail is on the disk.
func (r *SESServer) accept(e *storedMail) error {
	e.ID, e.At = messageID(r.number()), r.now()
	m, err := e.mail()
	if err != nil {
		return err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(r.folder, e.ID+newMail), text); err != nil {
		return err
	}
	r.show(m)
	r.signal()
	return nil
}

func (r *SESServer) number() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	return r.last
}

// show puts a mail where it belongs; one with a higher number may have been on the disk earlier.
func (r *SESServer) show(m Mail) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, _ := slices.BinarySearchFunc(r.mails, m.ID, compareID)
	r.mails = slices.Insert(r.mails, at, m)
}

func compareID(m Mail, id string) int { return strings.Compare(m.ID, id) }

// messageID looks like one of SES's.
func messageID(number uint64) string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	text := hex.EncodeToString(random)
	return fmt.Sprintf("%0*x-%s-%s-%s-%s-%s-000000", idDigits, number, text[:8], text[8:12], text[12:16], text[16:20], text[20:])
}

func (r *SESServer) signal() {
	select {
	case r.accepted <- struct{}{}:
	default:
	}
}

// announceAgain is how long to wait before an event that could not be handed over is tried again, at first and at most.
const (
	republishInterval = time.Second
	maxSendEvents     = time.Minute
)

// PublishSendEvent hands SES's Send event for each accepted mail to feedback, as EventBridge would: at least once, also for
// mails that were accepted before a crash. It runs until ctx is done.
func (r *SESServer) PublishSendEvent(ctx context.Context, feedback func(context.Context, json.RawMessage) error) {
	wait := republishInterval
	for {
		again := make(<-chan time.Time)
		if err := r.PublishSendEvents(ctx, feedback); err != nil {
			slog.Error("SES events wait", "error", err)
			again = time.After(wait)
			wait = min(2*wait, maxSendEvents)
		} else {
			wait = republishInterval
		}
		select {
		case <-ctx.Done():
			return
		case <-r.accepted:
		case <-again:
		}
	}
}

// PublishSendEvents hands over what is not announced yet, once.
func (r *SESServer) PublishSendEvents(ctx context.Context, feedback func(context.Context, json.RawMessage) error) error {
	files, err := filepath.Glob(filepath.Join(r.folder, "*"+newMail))
	if err != nil {
		return err
	}
	var faults []error
	for _, file := range files {
		if ctx.Err() != nil {
			break
		}
		faults = append(faults, r.publishSendEvent(ctx, file, feedback))
	}
	return errors.Join(faults...)
}

func (r *SESServer) publishSendEvent(ctx context.Context, file string, feedback func(context.Context, json.RawMessage) error) error {
	e, err := readEnvelope(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // forgotten meanwhile
	}
	if err != nil {
		return err
	}
	event, err := e.event(sendEvent, r.now())
	if err != nil {
		return err
	}
	if err := feedback(ctx, event); err != nil {
		return fmt.Errorf("mail %s: %w", e.ID, err)
	}
	if finalKinds[e.tag("kind")] {
		return r.delete(e)
	}
	err = os.Rename(file, strings.TrimSuffix(file, newMail)+oldMail)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // forgotten meanwhile
	}
	return err
}

// finalKinds are the kinds of mail to addresses that are not known any more once they are sent.
var finalKinds = map[string]bool{"erased": true, "readdressed": true}

// DeleteMailsTo takes off the disk all mails whose tag says that they are deliveries beginning so: of an event, or of one of its registrations.
func (r *SESServer) DeleteMailsTo(deliveries string) error {
	var faults []error
	for _, m := range r.Mails() {
		if !strings.HasPrefix(m.Delivery, deliveries) || finalKinds[m.Kind] {
			continue
		}
		e, err := r.envelope(m.ID)
		if err == nil {
			err = r.delete(e)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// delete may meet a file that is just being renamed.
func (r *SESServer) delete(e storedMail) error {
	r.mu.Lock()
	r.deleted[e.ID] = e
	r.mu.Unlock()
	for _, name := range []string{newMail, oldMail} {
		if err := os.Remove(filepath.Join(r.folder, e.ID+name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// report hands an event about a mail to feedback: "bounce", "complaint" or "delivery".
func (r *SESServer) report(ctx context.Context, id, kind string, feedback func(context.Context, json.RawMessage) error) error {
	e, err := r.envelope(id)
	if err != nil {
		return err
	}
	event, err := e.event(reportable[kind], r.now())
	if err != nil {
		return err
	}
	return feedback(ctx, event)
}

// headerList is the message's header as SES's events repeat it.
func (m Mail) headerList() []map[string]string {
	var list []map[string]string
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		list = append(list, map[string]string{"name": name, "value": m.Headers[name]})
	}
	return list
}
