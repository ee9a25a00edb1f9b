package dynamoemu

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
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
		return nil, invalid("TransactItems must have between 1 and %d actions", maxActions)
	}
	request := encode(in.TransactItems) // in one order, whatever the client's was
	if len(request) > maxTransaction {
		return nil, invalid("Transaction payload size cannot exceed 4MB. Payload Size: %d", len(request))
	}
	use, err := s.tokens.begin(in.ClientRequestToken, sha256.Sum256(request))
	if err != nil || use.done {
		return struct{}{}, err
	}
	err = s.transact(in)
	use.done, use.failed = err == nil, err != nil
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
			if action.ReturnValues != "" || kind == updateItem && action.UpdateExpression == nil {
				return invalid("%s returns no values in a transaction, and must have an UpdateExpression if it is one", kind)
			}
			c, err := s.prepare(kind, action)
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
	if err := cancelled(changes, func(c change) error { return s.admit(c, 2) }); err != nil {
		return err
	}
	s.lockItems(changes)
	if err := cancelled(changes, func(c change) error { return c.failedCondition }); err != nil {
		return err
	}
	return s.commit(recordOf(changes...))
}

// A cancellationReason says what is wrong with one action of a transaction that is cancelled; the Code None, nothing.
type cancellationReason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

// reasonCodes are what a transaction calls the errors of a plain write.
var reasonCodes = map[string]string{
	"TransactionConflictException":    "TransactionConflict",
	"ThrottlingException":             "ThrottlingError",
	"ConditionalCheckFailedException": "ConditionalCheckFailed",
}

// cancelled is the error of a transaction if check finds one in any of its changes. It has a reason for each.
func cancelled(changes []change, check func(change) error) error {
	reasons := make([]cancellationReason, len(changes))
	codes := make([]string, len(changes))
	found := false
	for i, c := range changes {
		reasons[i].Code = "None"
		var refused *apiError
		if errors.As(check(c), &refused) {
			reasons[i], found = cancellationReason{reasonCodes[refused.Type], refused.Message, refused.Item}, true
		}
		codes[i] = reasons[i].Code
	}
	if !found {
		return nil
	}
	const message = "Transaction cancelled, please refer cancellation reasons for specific reasons "
	return &apiError{Type: "TransactionCanceledException", Message: fmt.Sprint(message, codes), Reasons: reasons}
}

// lockItems locks the items of a transaction for the transaction time. It is called and returns with the server's
// lock held, and releases that meanwhile.
func (s *Server) lockItems(changes []change) {
	if s.transactionTime == 0 {
		return
	}
	for _, c := range changes {
		s.locked[c.id()] = true
	}
	s.mu.Unlock()
	time.Sleep(s.transactionTime)
	s.mu.Lock()
	for _, c := range changes {
		delete(s.locked, c.id())
	}
}

// tokenLife is how long DynamoDB remembers a ClientRequestToken; it has up to maxToken bytes.
const (
	tokenLife = 10 * time.Minute
	maxToken  = 36
)

// tokens are the transactions of the last tokenLife, or somewhat longer, by ClientRequestToken.
type tokens struct {
	recent, older map[string]*tokenUse
	since         time.Time
}

type tokenUse struct {
	request      [sha256.Size]byte
	done, failed bool // neither: in progress
}

// begin returns what a token was used for, if that did not fail, or a new use. nil is no token.
func (t *tokens) begin(token *string, request [sha256.Size]byte) (*tokenUse, error) {
	if token == nil {
		return &tokenUse{}, nil
	}
	if *token == "" || len(*token) > maxToken {
		return nil, invalid("ClientRequestToken must have a length between 1 and %d", maxToken)
	}
	if time.Since(t.since) > tokenLife {
		t.recent, t.older, t.since = map[string]*tokenUse{}, t.recent, time.Now()
	}
	use := cmp.Or(t.recent[*token], t.older[*token])
	switch {
	case use == nil || use.failed:
		use = &tokenUse{request: request}
		t.recent[*token] = use
	case use.request != request:
		return nil, refused("IdempotentParameterMismatchException", "The token was used with other parameters")
	case !use.done:
		return nil, refused("TransactionInProgressException", "The transaction is in progress")
	}
	return use, nil
}
