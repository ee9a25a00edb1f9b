// Package dynamo keeps events, registrations and the mail ledger in one DynamoDB table.
//
// Every change of state is a conditional write or a transaction: what was read and is then written has a condition on
// what was read. The one index is eventually consistent, so it only ever names candidates.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/singleflight"

	"deltag/internal/deltag"
)

// A Store is the table. It is safe for concurrent use.
//
// Reads are strongly consistent unless their comment says otherwise. Comments name the errors of package deltag that a
// caller may want to handle. Beside those each method may return ErrUnavailable: the table was not reached, it
// throttled, or transactions conflicted too often. Whether a write happened is then unknown, and it may be repeated. Any
// other error is a fault of ours.
//
// A method with a cursor lists a page, "" being the first, and returns the cursor of the next page, "" at the end. A
// page may be shorter than limit and not be the last. A cursor of another list is ValidationErrors.
type Store struct {
	client        Client
	table         string
	random        io.Reader
	events        cache[deltag.Event]   // by slug
	upcoming      cache[upcomingEvents] // the last, by ""
	freeSeats     cache[int]            // by event id
	feedback      cache[deltag.FeedbackCounts]
	feedbackReads singleflight.Group
	networks      blocklist // that have had all their sign-ups of the hour
	shares        blocklist // and those of an event that have had all of theirs
	hashKey       hashKey
}

// New returns the store of a table. random is the source of secrets.
func New(client Client, table string, random io.Reader) *Store {
	return &Store{
		client: client, table: table, random: random,
		networks: blocklist{period: time.Hour}, shares: blocklist{period: shareSlot},
	}
}

// Ping checks that the table can be read.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.get(ctx, key("PING", "-"))
	return ignoreNotFound(err)
}

// wrapError makes a failed condition ErrConflict, and every other error of the SDK ErrUnavailable, but for a request that
// DynamoDB would always refuse as it is: that is a fault of ours.
func wrapError(operation string, err error) error {
	var condition *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &condition):
		return deltag.ErrConflict
	case isOurFault(err):
		return fmt.Errorf("%s: %w", operation, err)
	}
	return fmt.Errorf("%s: %w: %w", operation, deltag.ErrUnavailable, err)
}

func isOurFault(err error) bool {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
			code := aws.ToString(r.Code)
			return code == "ValidationError" || code == "ItemCollectionSizeLimitExceeded"
		})
	}
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "ValidationException"
}

func isNotFound(err error) bool { return errors.Is(err, deltag.ErrNotFound) }

func isConflict(err error) bool { return errors.Is(err, deltag.ErrConflict) }

func ignoreNotFound(err error) error { return ignore(err, deltag.ErrNotFound) }

func ignoreConflict(err error) error { return ignore(err, deltag.ErrConflict) }

func ignore(err, ignored error) error {
	if errors.Is(err, ignored) {
		return nil
	}
	return err
}
