package local

import (
	"context"
	"log/slog"
	"time"
)

// A Ticker calls the mailer as the schedule and the table's stream do in AWS: every second, and at once when rung.
type Ticker struct {
	wake chan struct{}
}

// NewTicker is a ticker that nobody has rung.
func NewTicker() *Ticker { return &Ticker{wake: make(chan struct{}, 1)} }

// Wake asks for a tick at once, or right after the one under way. It never blocks.
func (t *Ticker) Wake() {
	select {
	case t.wake <- struct{}{}:
	default: // it has been rung already
	}
}

const (
	tickEvery = time.Second
	// tickLimit is the mailer function's own time-out.
	tickLimit = time.Minute
	// tickGrace is how long the last tick may take after the stop, so that a mail under way gets its answer.
	tickGrace = 3 * time.Second
)

// Run ticks until ctx is done. Ticks never overlap; one that fails is logged, and the next one comes all the same.
func (t *Ticker) Run(ctx context.Context, tick func(context.Context) error) {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-every.C:
		}
		if ctx.Err() != nil { // both may have come
			return
		}
		if err := once(ctx, tick); err != nil {
			slog.Error("tick failed", "error", err)
		}
	}
}

func once(ctx context.Context, tick func(context.Context) error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), tickLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(tickGrace, cancel) })
	defer stop()
	return tick(limited)
}
