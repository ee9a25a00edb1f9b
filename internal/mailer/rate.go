package mailer

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An AdaptiveLimiter keeps a process below SES's sending rate. SES may still throttle, because other functions send at
// the same time: then the rate is halved, and grows again with each mail that is accepted.
type AdaptiveLimiter struct {
	mu      sync.Mutex
	limiter *rate.Limiter
	full    rate.Limit
}

// NewAdaptiveLimiter is for a rate per second.
func NewAdaptiveLimiter(perSecond float64) *AdaptiveLimiter {
	full := rate.Limit(perSecond)
	return &AdaptiveLimiter{limiter: rate.NewLimiter(full, max(1, int(perSecond))), full: full}
}

// Wait blocks until the next mail may go. It fails at once if that is after ctx's deadline.
func (l *AdaptiveLimiter) Wait(ctx context.Context) error { return l.limiter.Wait(ctx) }

// Rate is the full rate per second, whatever the present one.
func (l *AdaptiveLimiter) Rate() float64 { return float64(l.full) }

// Concurrency is how many mails are sent at once: SES answers in about 100 ms, so each slot sends ten a second.
func (l *AdaptiveLimiter) Concurrency() int { return min(max(2, int(l.full)/10+1), 32) }

// backOff halves the rate, down to one mail in ten seconds.
func (l *AdaptiveLimiter) backOff() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.SetLimit(max(l.limiter.Limit()/2, rate.Every(10*time.Second)))
	l.limiter.SetBurst(1)
}

// speedUp raises the rate by a fiftieth of the full one.
func (l *AdaptiveLimiter) speedUp() {
	if l.limiter.Limit() == l.full {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next := min(l.limiter.Limit()+l.full/50, l.full)
	l.limiter.SetLimit(next)
	l.limiter.SetBurst(max(1, int(next)))
}
