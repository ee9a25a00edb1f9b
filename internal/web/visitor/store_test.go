package visitor

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// A testStore is the real store on an embedded engine of its own. onRead and onWrite, if set, are called before each
// call that reads or writes, and an error of theirs is answered in the store's place.
type testStore struct {
	*dynamo.Store
	engine          storetest.Engine
	onRead, onWrite func() error
	networks        []string // of the sign-ups so far: the store keeps only their hashes
}

func newTestStore(tb testing.TB, events ...deltag.Event) *testStore {
	tb.Helper()
	engine := storetest.Embedded(tb)
	s := &testStore{Store: engine.Store(), engine: engine}
	for _, e := range events {
		if err := s.CreateEvent(tb.Context(), e, deltag.MailingChanges{}); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// always is an onRead or onWrite that answers err every time.
func always(err error) func() error { return func() error { return err } }

// times is one that answers err n times.
func times(n int, err error) func() error {
	return func() error {
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}

// fail has every call answer err.
func (s *testStore) fail(err error) { s.onRead, s.onWrite = always(err), always(err) }

func (s *testStore) read() error {
	if s.onRead == nil {
		return nil
	}
	return s.onRead()
}

func (s *testStore) write() error {
	if s.onWrite == nil {
		return nil
	}
	return s.onWrite()
}

func (s *testStore) Ping(ctx context.Context) error {
	if err := s.read(); err != nil {
		return err
	}
	return s.Store.Ping(ctx)
}

func (s *testStore) EventBySlug(ctx context.Context, slug string) (deltag.Event, error) {
	if err := s.read(); err != nil {
		return deltag.Event{}, err
	}
	return s.Store.EventBySlug(ctx, slug)
}

func (s *testStore) Upcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.Store.Upcoming(ctx, now, limit)
}

func (s *testStore) RecentFreeSeats(ctx context.Context, events ...deltag.Event) (map[string]int, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.Store.RecentFreeSeats(ctx, events...)
}

func (s *testStore) WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error) {
	if err := s.read(); err != nil {
		return 0, err
	}
	return s.Store.WaitlistPosition(ctx, r)
}

func (s *testStore) SignUp(
	ctx context.Context, e deltag.Event, request deltag.SignUpRequest, now time.Time,
) (deltag.SignUpOutcome, error) {
	if err := s.write(); err != nil {
		return "", err
	}
	s.networks = append(s.networks, request.Network)
	return s.Store.SignUp(ctx, e, request, now)
}

func (s *testStore) ResendConfirmation(
	ctx context.Context, e deltag.Event, a deltag.Address, network string, now time.Time,
) error {
	if err := s.write(); err != nil {
		return err
	}
	s.networks = append(s.networks, network)
	return s.Store.ResendConfirmation(ctx, e, a, network, now)
}

func (s *testStore) UpdateByAttendee(
	ctx context.Context, e deltag.Event, r deltag.Registration, request deltag.SignUpRequest, now time.Time,
) error {
	if err := s.write(); err != nil {
		return err
	}
	s.networks = append(s.networks, request.Network)
	return s.Store.UpdateByAttendee(ctx, e, r, request, now)
}

func (s *testStore) Rejoin(
	ctx context.Context, e deltag.Event, r deltag.Registration, newsShown bool, now time.Time,
) (deltag.SignUpOutcome, error) {
	if err := s.write(); err != nil {
		return "", err
	}
	return s.Store.Rejoin(ctx, e, r, newsShown, now)
}

func (s *testStore) MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.Store.MarkAttended(ctx, e, r, now)
}

// changed lists what do has changed in the table; "" when nothing.
func (s *testStore) changed(tb testing.TB, do func()) string {
	tb.Helper()
	before := s.engine.Dump(tb)
	do()
	return cmp.Diff(before, s.engine.Dump(tb))
}
