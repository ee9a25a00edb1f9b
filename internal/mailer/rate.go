package mailer

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An AdaptiveLimiter keeps a process below SES's sending rate. When SES says that it is too fast all the same, because other
// functions send too, it halves its rate, and creeps back with each mail that is accepted.
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

// Wait until the next mail may go.
func (p *AdaptiveLimiter) Wait(ctx context.Context) error { return p.limiter.Wait(ctx) }

// Rate is the full rate per second.
func (p *AdaptiveLimiter) Rate() float64 { return float64(p.full) }

// Concurrency is how many mails are under way at once: SES answers in about 100 ms, so ten a second for each.
func (p *AdaptiveLimiter) Concurrency() int { return min(max(2, int(p.full)/10+1), 32) }

// backOff after a refusal; never below one mail in ten seconds.
func (p *AdaptiveLimiter) backOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limiter.SetLimit(max(p.limiter.Limit()/2, rate.Every(10*time.Second)))
	p.limiter.SetBurst(1)
}

// recover after a success, by a fiftieth of the full rate.
func (p *AdaptiveLimiter) recover() {
	if p.limiter.Limit() == p.full {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	next := min(p.limiter.Limit()+p.full/50, p.full)
	p.limiter.SetLimit(next)
	p.limiter.SetBurst(max(1, int(next)))
}
