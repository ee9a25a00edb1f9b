// Package dynamo keeps events, registrations and the mail ledger in one DynamoDB table.
//
// Every change of state is a conditional write or a transaction; nothing is read and then written
// without a condition on what was read. Reads that decide something are consistent. The index is
// eventually consistent and only ever names candidates.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// A Store is the table. It is safe for concurrent use.
type Store struct {
	client  Client
	table   string
	random  io.Reader
	events  eventCache
	hashKey hashKey
}

// New returns the store of a table. random makes the secrets of registrations.
func New(client Client, table string, random io.Reader) *Store {
	return &Store{client: client, table: table, random: random}
}

// Ping says whether the table can be reached.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.get(ctx, "PING", "-")
	if errors.Is(err, deltag.ErrNotFound) {
		return nil
	}
	return err
}

// wrapError turns what the SDK says into the domain's words: a failed condition is ErrConflict, and
// everything else means that the store did not do its work.
func wrapError(doing string, err error) error {
	var condition *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &condition):
		return deltag.ErrConflict
	}
	return fmt.Errorf("%s: %w: %w", doing, deltag.ErrUnavailable, err)
}

// isNotFound says whether err means that the thing is not there.
func isNotFound(err error) bool { return errors.Is(err, deltag.ErrNotFound) }

func ignoreConflict(err error) error {
	if errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}
