package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
)

// crashStep is the distance between the calls at which a process is ended: each of them, or with -short, which the race
// detector's run has, each seventh.
func crashStep() int64 {
	if testing.Short() {
		return 7
	}
	return 1
}

// errCrashed is what every call returns after the crash.
var errCrashed = errors.New("the process has ended")

// crashResponse is the same for the SDK, in a form that it does not retry.
func crashResponse() *http.Response {
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"__type":"AccessDeniedException","message":"the process has ended"}`)),
	}
}

// A crashingProcess ends at one of its writes to the table or calls to SES: either before it is made, or after it was
// carried out and before the answer is seen. Whether it ends before or after a read makes no difference to others.
type crashingProcess struct {
	calls   atomic.Int64
	crashAt int64
	before  bool
}

func (p *crashingProcess) call(do func() error) error {
	n := p.calls.Add(1)
	if n > p.crashAt || n == p.crashAt && p.before {
		return errCrashed
	}
	err := do()
	if n == p.crashAt {
		return errCrashed
	}
	return err
}

func (p *crashingProcess) crashed() bool { return p.calls.Load() >= p.crashAt }

// mailer is a mailer of f's that runs in p.
func (p *crashingProcess) mailer(f *fixture) *mailer.Mailer {
	engine := f.engine.NewClient()
	engine.Transport.InjectFault(func(_ int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if !storetest.IsWrite(r) && !p.crashed() {
			return send()
		}
		var res *http.Response
		if p.call(func() (err error) { res, err = send(); return err }) != nil {
			return crashResponse(), nil
		}
		return res, nil
	})
	m := f.mailer()
	m.Store, m.Sender = engine.Store(), crashingSender{p, f.ses}
	m.PageSize = 3 // several pages
	return m
}

type crashingSender struct {
	process *crashingProcess
	ses     mailer.Sender
}

func (s crashingSender) Send(ctx context.Context, mail deltag.OutgoingMail) (id string, err error) {
	crashed := s.process.call(func() error { id, err = s.ses.Send(ctx, mail); return nil })
	return id, errors.Join(crashed, err)
}

// TestCrash ends a mailer at each write, and each call to SES, of a confirmation and a reminder, and starts another. With SES's
// events no mail is sent twice; without them, at most those that were with SES when the process ended.
func TestCrash(t *testing.T) {
	const people = 4 // two pages of the mailing
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		for _, events := range []bool{true, false} {
			for _, before := range []bool{true, false} {
				t.Run(fmt.Sprintf("SESEvents=%v/BeforeTheCall=%v", events, before), func(t *testing.T) {
					crashes := 0
					for crashAt := int64(1); ; crashAt += crashStep() {
						f := newFixture(t, engine.NewTable(t))
						if !runUntilCrash(f, people, &crashingProcess{crashAt: crashAt, before: before}, events) {
							break
						}
						crashes++
					}
					t.Logf("%d crashes", crashes)
					if crashes < 3*people/int(crashStep()) {
						t.Errorf("only %d crashes were tried", crashes)
					}
				})
			}
		}
	})
}

// maxCopies without SES's events: SES may have accepted every mail that was under way without an answer.
var maxCopies = mailer.NewAdaptiveLimiter(100_000).Concurrency()

// runUntilCrash sends a confirmation and a reminder to each of people, with a mailer in p and with others after it, and
// says whether p crashed.
func runUntilCrash(f *fixture, people int, p *crashingProcess, events bool) bool {
	e := f.newEvent(oneReminder)
	f.signUpMany(e, people)
	m := p.mailer(f)
	_ = m.RunDue(ctx)
	f.setTime(start.Add(-24 * time.Hour))
	_ = m.RunDue(ctx)
	if !p.crashed() {
		return false
	}
	if events {
		for _, mail := range f.ses.mails {
			f.handleSESEvent(mail, deltag.SESSend)
		}
	}
	for range 3 { // other processes, until every lease has run out
		f.runDue()
		f.setTime(f.clock().Add(deltag.SendLease))
	}
	f.checkSentOnce(e, people, events)
	return true
}

func (f *fixture) checkSentOnce(e deltag.Event, people int, events bool) {
	f.t.Helper()
	copies := 0
	for n := range people {
		for _, kind := range []deltag.MailKind{deltag.KindConfirmation, "reminder-P1D"} {
			sent := f.ses.to(address(n))[string(kind)]
			if sent == 0 {
				f.t.Errorf("%s to %d is lost", kind, n)
			}
			copies += max(0, sent-1)
			want(f.t, f.outcome(f.registration(e, n), kind, 1), "sent ")
		}
	}
	if events && copies > 0 || copies > maxCopies {
		f.t.Errorf("%d copies", copies)
	}
}
