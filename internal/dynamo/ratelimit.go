package dynamo

import (
	"context"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// Rate limits are counters in the table, under keyed hashes of what they count. Each expires this long after: later than
// the day or hour that it counts.
const (
	mailCountTTL    = 48 * time.Hour
	networkCountTTL = 2 * time.Hour
)

// hourLayout names an hour (UTC).
const hourLayout = "2006-01-02T15"

// countMail counts a mail to a's mailbox on the day of now (UTC), in the transaction that claims it. It fails if the
// mailbox has had so many mails that d has to wait.
func (tx *transaction) countMail(
	ctx context.Context, a deltag.Address, d deltag.Delivery, now time.Time,
) (*action, error) {
	hash, err := tx.store.hash(ctx, a.Mailbox())
	if err != nil {
		return nil, err
	}
	limit := expression{
		text:   condNotExists.text + " OR Counted < :limit",
		values: item{":limit": avNumber(d.DailyLimit())},
	}
	return tx.Update(mailCountKey(hash, now), increment(now.Add(mailCountTTL)), limit), nil
}

// mailCountKey is the key of the counter of a mailbox, of which the hash is, on a day.
func mailCountKey(hash string, day time.Time) item {
	return key("RATE#MAIL#"+hash, day.UTC().Format(time.DateOnly))
}

func increment(expires time.Time) expression {
	return expression{
		text:   "ADD Counted :one SET expiresAt = :expires", // Unix seconds, as DynamoDB's TTL wants them
		values: item{":one": avNumber(1), ":expires": avNumber(int(expires.Unix()))},
	}
}

// A blocklist remembers what has reached its limit, until the period ends that it is counted in.
//
// Sign-ups are counted beside the calls that store them, so that they cost no round trip. Each function learns from its
// count whether the next sign-up of the network is one too many, so a network may have one more than
// deltag.MaxSignUpsPerNetwork from each function that runs at the same time.
type blocklist struct {
	period  time.Duration
	mu      sync.Mutex
	current time.Time // the beginning of a period
	blocked map[string]bool
}

func (l *blocklist) isBlocked(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current.Equal(now.Truncate(l.period)) && l.blocked[name]
}

func (l *blocklist) block(name string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if current := now.Truncate(l.period); !l.current.Equal(current) {
		l.current, l.blocked = current, map[string]bool{}
	}
	l.blocked[name] = true
}

// beginCountingSignUp counts a sign-up of a network, or what has the same limit, "" for none, beside what the caller does
// next; counted waits for that. Errors: ErrSignUpLimit.
func (s *Store) beginCountingSignUp(
	ctx context.Context, network string, now time.Time,
) (counted func(), err error) {
	if s.networks.isBlocked(network, now) {
		return nil, deltag.ErrSignUpLimit
	}
	var counting sync.WaitGroup
	counting.Go(func() { s.countSignUp(ctx, network, now) })
	return counting.Wait, nil
}

// countSignUp counts a sign-up of a network, "" for none. If it fails the sign-up is not counted, which is no reason to
// refuse it.
func (s *Store) countSignUp(ctx context.Context, network string, now time.Time) {
	if network == "" {
		return
	}
	hash, err := s.hash(ctx, network)
	if err != nil {
		return
	}
	hour := now.UTC().Format(hourLayout)
	counter, err := s.updateItem(ctx, key("RATE#NETWORK#"+hash, hour), increment(now.Add(networkCountTTL)), always)
	if err != nil {
		return
	}
	if c, err := decode[struct{ Counted int }](counter); err == nil && c.Counted >= deltag.MaxSignUpsPerNetwork {
		s.networks.block(network, now)
	}
}

// CountSignIn counts a request for a link to sign in, from a network, "" for none. Errors: ErrSignInLimit (the network has
// had deltag.MaxSignInsPerNetwork in the hour).
func (s *Store) CountSignIn(ctx context.Context, network string, now time.Time) error {
	if network == "" {
		return nil
	}
	hash, err := s.hash(ctx, network)
	if err != nil {
		return err
	}
	_, err = s.updateItem(ctx, key("RATE#SIGNIN#"+hash, now.UTC().Format(hourLayout)),
		increment(now.Add(networkCountTTL)), expression{
			text:   condNotExists.text + " OR Counted < :limit",
			values: item{":limit": avNumber(deltag.MaxSignInsPerNetwork)},
		})
	if isConflict(err) {
		return deltag.ErrSignInLimit
	}
	return err
}
