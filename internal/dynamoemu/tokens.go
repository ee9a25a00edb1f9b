package dynamoemu

import (
	"cmp"
	"crypto/sha256"
	"time"
)

// tokenLife is how long DynamoDB knows a ClientRequestToken again.
const tokenLife = 10 * time.Minute

// maxToken is how long a token may be, in bytes.
const maxToken = 36

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
