package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// Rate limits are counters in the table, under keyed hashes of what they count. Each is checked and incremented in the
// transaction that it limits, and expires this long after: later than the day or hour that it counts.
const (
	mailCountTTL    = 48 * time.Hour
	networkCountTTL = 2 * time.Hour
)

// mailCountKey is the key of an address's count of personal mails on a day (UTC).
func (s *Store) mailCountKey(ctx context.Context, a deltag.Address, now time.Time) (item, error) {
	hash, err := s.hash(ctx, a.Normalized)
	return key("RATE#MAIL#"+hash, now.UTC().Format(time.DateOnly)), err
}

// countMail fails if the address has had all its mails of the day.
func (tx *transaction) countMail(key item, now time.Time) *action {
	return tx.incrementBelow(key, deltag.MaxMailsPerAddressPerDay, now.Add(mailCountTTL))
}

// checkUnverifiedMail fails if the address may be sent no more mail today that a stranger could have asked for.
func (tx *transaction) checkUnverifiedMail(key item) *action {
	return tx.Check(key, condCountBelow(deltag.MaxUnverifiedMailsPerDay))
}

// signUpLimits are the keys of the counts that limit a sign-up. A nil key limits nothing.
type signUpLimits struct{ mail, network item }

// signUpLimits spreads the count of a network like the counters of an event, so that a rush from one network meets no
// hot item: each shard has a part of the limit.
func (s *Store) signUpLimits(
	ctx context.Context, r deltag.Registration, network string, now time.Time,
) (signUpLimits, error) {
	mail, err := s.mailCountKey(ctx, r.Email, now)
	if err != nil || network == "" {
		return signUpLimits{mail: mail}, err
	}
	hash, err := s.hash(ctx, network)
	hour := now.UTC().Format("2006-01-02T15")
	return signUpLimits{mail: mail, network: key("RATE#NETWORK#"+hash, hour+"#"+shardOf(r.ID))}, err
}

// checkLimits adds the actions by which limits make a sign-up fail. Where there is no limit, the action is nil.
func (tx *transaction) checkLimits(limits signUpLimits, now time.Time) (mail, network *action) {
	if limits.mail != nil {
		mail = tx.checkUnverifiedMail(limits.mail)
	}
	if limits.network != nil {
		limit := deltag.MaxSignUpsPerNetwork / len(shards)
		network = tx.incrementBelow(limits.network, limit, now.Add(networkCountTTL))
	}
	return mail, network
}

func (tx *transaction) incrementBelow(key item, limit int, expires time.Time) *action {
	return tx.Update(key, expression{
		text:   "ADD Counted :one SET expiresAt = :expires", // Unix seconds, as DynamoDB's TTL wants them
		values: item{":one": avNumber(1), ":expires": avNumber(int(expires.Unix()))},
	}, condCountBelow(limit))
}

func condCountBelow(limit int) expression {
	return condNotExistsOr("Counted < :limit", item{":limit": avNumber(limit)})
}
