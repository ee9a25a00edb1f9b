package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Limits against floods are counters in the table, under keyed hashes, so that they tell nothing of whom they count. Each is
// part of the transaction that it limits, and expires.

// mailsToday is the key of an address's counter for a day.
func (s *Store) mailsToday(ctx context.Context, a deltag.Address, now time.Time) (item, error) {
	hash, err := s.hash(ctx, a.Identity)
	return key("MAILED#"+hash, now.UTC().Format(time.DateOnly)), err
}

// countMail adds a mail to an address's counter, if it has room.
func (s *Store) countMail(k item, now time.Time) types.TransactWriteItem {
	return s.countUp(k, deltag.MaxPerDay, now.Add(48*time.Hour))
}

// mayAsk checks that an address may be sent mail that anybody could have asked for.
func (s *Store) mayAsk(k item) types.TransactWriteItem {
	return s.check(k, absent+" OR Counted < :max", item{":max": num(deltag.MaxAskedPerDay)})
}

// gate holds the two limits of a sign-up: mail to the address, and sign-ups from the network. The latter is spread
// like the tallies, so that a rush from one network meets no hot item.
func (s *Store) gate(ctx context.Context, r deltag.Registration, network string, now time.Time) ([]types.TransactWriteItem, error) {
	mails, err := s.mailsToday(ctx, r.Email, now)
	if err != nil || network == "" {
		return []types.TransactWriteItem{s.mayAsk(mails)}, err
	}
	hash, err := s.hash(ctx, network)
	hour := key("NETWORK#"+hash, now.UTC().Format("2006-01-02T15")+"#"+shard(r.ID))
	return []types.TransactWriteItem{s.mayAsk(mails), s.countUp(hour, deltag.MaxPerNetwork/len(shards), now.Add(2*time.Hour))}, err
}

// refusal is what the gate that begins at an action says of a transaction, or nil.
func refusal(err error, at int) error {
	switch {
	case on(err, at):
		return deltag.ErrTooManyMails
	case on(err, at+1):
		return deltag.ErrTooManySignUps
	}
	return nil
}

func (s *Store) countUp(k item, limit int, expires time.Time) types.TransactWriteItem {
	return s.update(k, "ADD Counted :one SET expiresAt = :expires", absent+" OR Counted < :max", nil, item{":one": num(1), ":max": num(limit), ":expires": num(int(expires.Unix()))})
}

// shard is one of shards, by an id: those are evenly spread, so half their alphabet makes 16 even parts.
func shard(id string) string { return shards[strings.IndexByte(idAlphabet, id[0])%len(shards)] }
