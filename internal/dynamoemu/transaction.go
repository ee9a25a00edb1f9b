package dynamoemu

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"
)

// One transaction has up to maxActions actions, in a request of up to maxTransaction bytes.
const (
	maxActions     = 100
	maxTransaction = 4 << 20
)

type transactWriteItemsInput struct {
	TransactItems      []map[writeKind]writeInput // one action each
	ClientRequestToken *string
}

// transactWriteItems makes all changes or none.
func (s *Server) transactWriteItems(in transactWriteItemsInput) (any, error) {
	if len(in.TransactItems) == 0 || len(in.TransactItems) > maxActions {
		return nil, invalid("TransactItems must have length greater than or equal to 1 and less than or equal to %d",
			maxActions)
	}
	request, err := json.Marshal(in.TransactItems) // in one order, whatever the client's was
	if err != nil {
		return nil, err
	}
	if len(request) > maxTransaction {
		return nil, invalid("Transaction payload size cannot exceed 4MB. Payload Size: %d", len(request))
	}
	done, err := s.tokens.begin(in.ClientRequestToken, sha256.Sum256(request))
	if done || err != nil {
		return struct{}{}, err
	}
	err = s.transact(in)
	s.tokens.end(in.ClientRequestToken, err == nil)
	return struct{}{}, err
}

func (s *Server) transact(in transactWriteItemsInput) error {
	var changes []change
	seen := map[itemID]bool{}
	for _, actions := range in.TransactItems {
		if len(actions) != 1 {
			return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		for kind, action := range actions {
			c, err := s.prepare(kind, action, true)
			if err != nil {
				return err
			}
			if seen[c.id()] {
				return invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[c.id()] = true
			changes = append(changes, c)
		}
	}
	if err := cancelled(changes, s.conflict); err != nil {
		return err
	}
	if err := cancelled(changes, s.tooFast); err != nil {
		return err
	}
	s.keep(changes)
	if err := cancelled(changes, failedCondition); err != nil {
		return err
	}
	return s.commit(recordOf(changes...))
}

// A cancellationReason says why an action had its transaction cancelled.
type cancellationReason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

var noReason = cancellationReason{Code: "None"}

func (s *Server) conflict(c change) cancellationReason {
	if !s.kept[c.id()] {
		return noReason
	}
	return cancellationReason{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}
}

func (s *Server) tooFast(c change) cancellationReason {
	if err := s.throughput.write(c, 2); err == nil {
		return noReason
	}
	return cancellationReason{Code: "ThrottlingError", Message: errThrottled.Message}
}

func failedCondition(c change) cancellationReason {
	if c.refused == nil {
		return noReason
	}
	return cancellationReason{Code: "ConditionalCheckFailed", Message: c.refused.Message, Item: c.refused.Item}
}

// cancelled is the error of a transaction if there is a reason against any of its actions: it names them all.
func cancelled(changes []change, reason func(change) cancellationReason) error {
	reasons := make([]cancellationReason, len(changes))
	codes := make([]string, len(changes))
	none := true
	for i, c := range changes {
		reasons[i] = reason(c)
		codes[i] = reasons[i].Code
		none = none && codes[i] == noReason.Code
	}
	if none {
		return nil
	}
	return &apiError{
		Type: "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" +
			strings.Join(codes, ", ") + "]",
		Reasons: reasons,
	}
}

// keep keeps the items of a transaction for the transaction time. It is called and returns with the lock held, and
// lets go of it meanwhile: others read the items as they were before, and may not write them.
func (s *Server) keep(changes []change) {
	if s.transactionTime == 0 {
		return
	}
	for _, c := range changes {
		s.kept[c.id()] = true
	}
	s.mu.Unlock()
	time.Sleep(s.transactionTime)
	s.mu.Lock()
	for _, c := range changes {
		delete(s.kept, c.id())
	}
}

// tokenLife is how long DynamoDB knows a ClientRequestToken again; it has up to maxToken bytes.
const (
	tokenLife = 10 * time.Minute
	maxToken  = 36
)

// tokens are the transactions of the last tokenLife, or somewhat longer, by the caller's token.
type tokens struct {
	recent, older map[string]*tokenUse
	since         time.Time
}

type tokenUse struct {
	request [sha256.Size]byte
	done    bool // else under way
}

func newTokens() tokens { return tokens{recent: map[string]*tokenUse{}, since: time.Now()} }

// begin says whether the transaction was committed before under its token. nil is no token.
func (t *tokens) begin(token *string, request [sha256.Size]byte) (done bool, err error) {
	if token == nil {
		return false, nil
	}
	if *token == "" || len(*token) > maxToken {
		return false, invalid("ClientRequestToken must have a length between 1 and %d", maxToken)
	}
	if time.Since(t.since) > tokenLife {
		t.recent, t.older, t.since = map[string]*tokenUse{}, t.recent, time.Now()
	}
	use := cmp.Or(t.recent[*token], t.older[*token])
	switch {
	case use == nil:
		t.recent[*token] = &tokenUse{request: request}
		return false, nil
	case use.request != request:
		return false, &apiError{
			Type: "IdempotentParameterMismatchException", Message: "Request has been seen before with other parameters",
		}
	case !use.done:
		return false, &apiError{Type: "TransactionInProgressException", Message: "The transaction is in progress"}
	}
	return true, nil
}

// end follows begin. A transaction that was not committed is forgotten.
func (t *tokens) end(token *string, committed bool) {
	if token == nil {
		return
	}
	if committed {
		cmp.Or(t.recent[*token], t.older[*token]).done = true
		return
	}
	delete(t.recent, *token)
	delete(t.older, *token)
}
