package maildomain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	notFound  = &net.DNSError{Err: "no such host", IsNotFound: true}
	failing   = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	timedOut  = &net.DNSError{Err: "i/o timeout", IsTimeout: true}
	confusing = &net.DNSError{Err: "no such host", IsNotFound: true, IsTemporary: true}
)

// A zone answers the same about every domain.
type zone struct {
	mx      []*net.MX
	mxErr   error
	host    []string
	hostErr error
	silent  bool
	asked   []string
}

func (z *zone) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	z.asked = append(z.asked, "MX "+name)
	if z.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return z.mx, z.mxErr
}

func (z *zone) LookupHost(ctx context.Context, name string) ([]string, error) {
	z.asked = append(z.asked, "host "+name)
	return z.host, z.hostErr
}

func TestReceives(t *testing.T) {
	mx := func(hosts ...string) (all []*net.MX) {
		for _, h := range hosts {
			all = append(all, &net.MX{Host: h})
		}
		return all
	}
	tests := map[string]struct {
		zone zone
		want bool
	}{
		"MailServer":                {zone{mx: mx("mail.example.dk.")}, true},
		"MailServerWithoutAddress":  {zone{mx: mx("mail.example.dk."), hostErr: notFound}, true},
		"UnreadableRecordBeside":    {zone{mx: mx("mail.example.dk."), mxErr: failing}, true},
		"NullMX":                    {zone{mx: mx("."), host: []string{"192.0.2.1"}}, false},
		"NullMXBesideAServer":       {zone{mx: mx(".", "mail.example.dk.")}, true},
		"AddressOnly":               {zone{mxErr: notFound, host: []string{"192.0.2.1"}}, true},
		"Nothing":                   {zone{mxErr: notFound, hostErr: notFound}, false},
		"MXFails":                   {zone{mxErr: failing, hostErr: notFound}, true},
		"MXTimesOut":                {zone{mxErr: timedOut, hostErr: notFound}, true},
		"AddressFails":              {zone{mxErr: notFound, hostErr: failing}, true},
		"AddressTimesOut":           {zone{mxErr: notFound, hostErr: timedOut}, true},
		"TemporarilyNotFound":       {zone{mxErr: notFound, hostErr: confusing}, true},
		"MXTemporarilyNotFound":     {zone{mxErr: confusing, hostErr: notFound}, true},
		"ErrorsOfAnotherKindAccept": {zone{mxErr: errors.New("no network")}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := New(&tt.zone, time.Now, slog.New(slog.DiscardHandler))
			for range 2 { // asked, and remembered
				if got := c.Receives(t.Context(), "example.dk"); got != tt.want {
					t.Errorf("Receives: %t", got)
				}
			}
			if len(slices.Compact(slices.Sorted(slices.Values(tt.zone.asked)))) != len(tt.zone.asked) {
				t.Errorf("asked again: %q", tt.zone.asked)
			}
		})
	}
}

func TestNewCheck(t *testing.T) {
	for setting, on := range map[string]bool{"on": true, "off": false, "": false} {
		if check := NewCheck(setting, time.Now, slog.New(slog.DiscardHandler)); (check != nil) != on {
			t.Errorf("%q: a check: %t", setting, check != nil)
		}
	}
}

// TestSilence: what does not answer costs a sign-up the timeout, and the next one nothing.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(&zone{silent: true}, time.Now, slog.New(slog.DiscardHandler))
		for n, want := range []time.Duration{timeout, 0} {
			start := time.Now()
			if !c.Receives(t.Context(), "example.dk") {
				t.Error("refused")
			}
			if took := time.Since(start); took != want {
				t.Errorf("call %d took %v", n, took)
			}
		}
	})
}

func TestACallerWhoGivesUpLeavesNothing(t *testing.T) {
	z := &zone{silent: true}
	c := New(z, time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if !c.Receives(ctx, "example.dk") {
		t.Error("refused")
	}
	z.silent, z.mxErr, z.hostErr = false, notFound, notFound
	if c.Receives(t.Context(), "example.dk") {
		t.Error("not asked again")
	}
}

func TestRemembers(t *testing.T) {
	for name, tt := range map[string]struct {
		zone zone
		keep time.Duration
	}{
		"Receives": {zone{mx: []*net.MX{{Host: "mail.example.dk."}}}, time.Hour},
		"Refuses":  {zone{mxErr: notFound, hostErr: notFound}, 5 * time.Minute},
		"Unknown":  {zone{mxErr: failing}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
			c := New(&tt.zone, func() time.Time { return now }, slog.New(slog.DiscardHandler))
			first := c.Receives(t.Context(), "example.dk")
			asked := len(tt.zone.asked)
			now = now.Add(tt.keep - 1)
			if c.Receives(t.Context(), "example.dk") != first || len(tt.zone.asked) != asked {
				t.Errorf("asked again too early: %q", tt.zone.asked)
			}
			now = now.Add(1)
			if c.Receives(t.Context(), "example.dk") != first || len(tt.zone.asked) != 2*asked {
				t.Errorf("not asked again: %q", tt.zone.asked)
			}
		})
	}
}

// TestLog: what fails is said, without the domain, which an error of net names.
func TestLog(t *testing.T) {
	for name, tt := range map[string]struct {
		zone zone
		want string
	}{
		"Fails":    {zone{mxErr: &net.DNSError{Err: "server misbehaving", Name: "example.dk"}}, "timeout=false"},
		"TimesOut": {zone{silent: true}, "timeout=true"},
		"Receives": {zone{mx: []*net.MX{{Host: "mail.example.dk."}}}, ""},
		"Refuses":  {zone{mxErr: notFound, hostErr: notFound}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				c := New(&tt.zone, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
				c.Receives(t.Context(), "example.dk")
				if got := log.String(); (got != "") != (tt.want != "") || !strings.Contains(got, tt.want) ||
					strings.Contains(got, "example.dk") {
					t.Errorf("logged %q", got)
				}
			})
		})
	}
}

func TestOnionIsNotAskedFor(t *testing.T) {
	z := &zone{mxErr: failing}
	c := New(z, time.Now, slog.New(slog.DiscardHandler))
	if c.Receives(t.Context(), "example.onion") || len(z.asked) > 0 {
		t.Errorf("asked %q", z.asked)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := New(&zone{mxErr: notFound, hostErr: notFound}, time.Now, slog.New(slog.DiscardHandler))
	for n := range 3 * maxKnown {
		c.Receives(t.Context(), fmt.Sprintf("d%d.example.dk", n))
		if len(c.known) > maxKnown {
			t.Fatalf("%d domains are known", len(c.known))
		}
	}
}
