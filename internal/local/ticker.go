package local

import (
	"context"
	"log/slog"
	"time"
)

// A Ticker calls the mailer as the schedule and the table's stream do in AWS: every second, and at once after Wake.
type Ticker struct {
	wake chan struct{}
}

// NewTicker makes a ticker for Run.
func NewTicker() *Ticker { return &Ticker{wake: make(chan struct{}, 1)} }

// Wake asks for a tick at once, or right after the one under way. It never blocks.
func (t *Ticker) Wake() {
	select {
	case t.wake <- struct{}{}:
	default: // a tick is asked for already
	}
}

const (
	tickEvery = time.Second
	// tickLimit is the time-out of the mailer function in template.yaml.
	tickLimit = time.Minute
	// tickGrace is how long the last tick may go on when ctx is done, so that a mail under way gets its answer.
	tickGrace = 3 * time.Second
)

// Run ticks until ctx is done. Ticks never overlap. One that fails is logged, and the next one comes as usual.
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
		if ctx.Err() != nil { // select may have chosen another case
			return
		}
		if err := runTick(ctx, tick); err != nil {
			slog.Error("tick failed", "error", err)
		}
	}
}

func runTick(ctx context.Context, tick func(context.Context) error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), tickLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(tickGrace, cancel) })
	defer stop()
	return tick(limited)
}
