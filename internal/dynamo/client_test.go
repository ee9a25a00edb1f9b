package dynamo

import (
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"deltag/internal/deltag"
)

func TestWrapError(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want error // nil: none of package deltag
	}{
		"FailedCondition": {&types.ConditionalCheckFailedException{}, deltag.ErrConflict},
		"Throttled":       {&types.ThrottlingException{}, deltag.ErrUnavailable},
		"NoTable":         {&types.ResourceNotFoundException{}, deltag.ErrUnavailable}, // being restored, say
		"NoConnection":    {io.ErrUnexpectedEOF, deltag.ErrUnavailable},
		"OurFault":        {&smithy.GenericAPIError{Code: "ValidationException"}, nil},
		"InATransaction":  {cancelled("None", "ValidationError"), nil},
		"TooLargeAnItem":  {cancelled("ItemCollectionSizeLimitExceeded"), nil},
		"ConflictThere":   {cancelled("TransactionConflict"), deltag.ErrUnavailable},
	} {
		err := wrapError("get", c.err)
		for _, known := range []error{deltag.ErrConflict, deltag.ErrUnavailable} {
			if is := errors.Is(err, known); is != (known == c.want) {
				t.Errorf("%s: %v is %v: %v", name, err, known, is)
			}
		}
	}
	if wrapError("get", nil) != nil {
		t.Error("an error for none")
	}
}

// cancelled is a transaction's error with the codes of its actions.
func cancelled(codes ...string) error {
	err := &types.TransactionCanceledException{}
	for _, code := range codes {
		err.CancellationReasons = append(err.CancellationReasons, types.CancellationReason{Code: &code})
	}
	return err
}
