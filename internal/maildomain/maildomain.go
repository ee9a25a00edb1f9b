// Package maildomain asks DNS whether a domain can receive mail. Mail that bounces costs the sender's reputation, so a
// domain is asked for before the first mail to it.
package maildomain

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// timeout is for all that is asked about one domain.
const timeout = 300 * time.Millisecond

// How long an answer is used. A domain that is being set up should not have to wait; one that DNS has no answer about
// should not cost each sign-up the whole timeout.
const (
	keepReceives = time.Hour
	keepRefuses  = 5 * time.Minute
	keepUnknown  = time.Minute
)

// maxKnown bounds the memory: a few hundred kB.
const maxKnown = 2000

// A Resolver is a net.Resolver. What does not exist is a net.DNSError with IsNotFound.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// A Checker remembers what it was told. It may be used by several goroutines at once.
type Checker struct {
	resolver Resolver
	now      func() time.Time
	log      *slog.Logger // hears that DNS fails, and no domain

	mu    sync.Mutex
	known map[string]answer
}

type answer struct {
	receives bool
	until    time.Time
}

// New makes a Checker. It asks nothing yet.
func New(r Resolver, now func() time.Time, log *slog.Logger) *Checker {
	return &Checker{resolver: r, now: now, log: log, known: map[string]answer{}}
}

// NewCheck takes the value of CHECK_DOMAINS. It is Receives of a Checker that asks the name servers of this machine,
// and nil unless the value is "on".
func NewCheck(
	setting string, now func() time.Time, log *slog.Logger,
) func(ctx context.Context, domain string) bool {
	if setting != "on" {
		return nil
	}
	return New(newResolver(), now, log).Receives
}

// newResolver has strict errors, which tell a server that fails from a name that does not exist.
func newResolver() *net.Resolver { return &net.Resolver{PreferGo: true, StrictErrors: true} }

// Receives says whether a domain, in lower-case ASCII, can receive mail: it has an MX record, or none but an address
// (RFC 5321 5.1), and not the one that refuses all mail (RFC 7505). It says so too when DNS has no answer in time.
func (c *Checker) Receives(ctx context.Context, domain string) bool {
	if receives, known := c.recall(domain); known {
		return receives
	}
	lookup, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	receives, err := c.ask(lookup, domain+".") // rooted: no search list is tried
	switch {
	case ctx.Err() != nil: // the caller gave up, which says nothing about the domain
		return true
	case err != nil:
		c.log.WarnContext(ctx, "DNS did not say whether a domain receives mail", "timeout", lookup.Err() != nil)
		c.remember(domain, true, keepUnknown)
		return true
	case receives:
		c.remember(domain, true, keepReceives)
		return true
	}
	c.remember(domain, false, keepRefuses)
	return false
}

// ask returns an error when it is not known.
func (c *Checker) ask(ctx context.Context, name string) (receives bool, err error) {
	if strings.HasSuffix(name, ".onion.") { // is not in DNS: RFC 7686
		return false, nil
	}
	servers, err := c.resolver.LookupMX(ctx, name)
	switch {
	case len(servers) > 0: // a record that can't be read is an error beside the others
		return slices.ContainsFunc(servers, func(mx *net.MX) bool { return mx.Host != "." }), nil
	case err != nil && !isNotFound(err):
		return false, err
	}
	addresses, err := c.resolver.LookupHost(ctx, name)
	if err != nil && !isNotFound(err) {
		return false, err
	}
	return len(addresses) > 0, nil
}

func isNotFound(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound && !e.IsTemporary && !e.IsTimeout
}

func (c *Checker) recall(domain string) (receives, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, known := c.known[domain]
	return a.receives, known && c.now().Before(a.until)
}

// remember forgets all others when there are too many, which a busy function does seldom and a busy attacker often.
func (c *Checker) remember(domain string, receives bool, keep time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.known[domain]; !known && len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[domain] = answer{receives, c.now().Add(keep)}
}
