package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Limits against floods are counters in the table, under keyed hashes, so that they tell nothing of whom they count. Each is
// part of the transaction that it limits, and expires.

// mailCounterKey is the key of an address's counter for a day.
func (s *Store) mailCounterKey(ctx context.Context, a deltag.Address, now time.Time) (item, error) {
	hash, err := s.hash(ctx, a.Normalized)
	return key("RATE#MAIL#"+hash, now.UTC().Format(time.DateOnly)), err
}

// incrementMailCount adds a mail to an address's counter, if it has room.
func (s *Store) incrementMailCount(k item, now time.Time) types.TransactWriteItem {
	return s.incrementBelow(k, deltag.MaxMailsPerAddressPerDay, now.Add(48*time.Hour))
}

// checkMailLimit checks that an address may be sent mail that anybody could have asked for.
func (s *Store) checkMailLimit(k item) types.TransactWriteItem {
	return s.check(k, condNotExists+" OR Counted < :max", item{":max": avNumber(deltag.MaxUnverifiedMailsPerDay)})
}

// rateLimitActions holds the two limits of a sign-up: mail to the address, and sign-ups from the network. The latter is spread
// like the tallies, so that a rush from one network meets no hot item.
func (s *Store) rateLimitActions(ctx context.Context, r deltag.Registration, network string, now time.Time) ([]types.TransactWriteItem, error) {
	mails, err := s.mailCounterKey(ctx, r.Email, now)
	if err != nil || network == "" {
		return []types.TransactWriteItem{s.checkMailLimit(mails)}, err
	}
	hash, err := s.hash(ctx, network)
	hour := key("RATE#NETWORK#"+hash, now.UTC().Format("2006-01-02T15")+"#"+shardOf(r.ID))
	return []types.TransactWriteItem{s.checkMailLimit(mails), s.incrementBelow(hour, deltag.MaxSignUpsPerNetwork/len(shards), now.Add(2*time.Hour))}, err
}

// rateLimitError is what the gate that begins at an action says of a transaction, or nil.
func rateLimitError(err error, at int) error {
	switch {
	case failedAt(err, at):
		return deltag.ErrMailLimit
	case failedAt(err, at+1):
		return deltag.ErrSignUpLimit
	}
	return nil
}

func (s *Store) incrementBelow(k item, limit int, expires time.Time) types.TransactWriteItem {
	return s.update(k, "ADD Counted :one SET expiresAt = :expires", condNotExists+" OR Counted < :max", nil, item{":one": avNumber(1), ":max": avNumber(limit), ":expires": avNumber(int(expires.Unix()))})
}
