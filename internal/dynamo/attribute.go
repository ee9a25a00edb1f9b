package dynamo

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// An item, or the key of one, by attribute.
type item = map[string]types.AttributeValue

func avString(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func avNumber(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func avTime(t time.Time) types.AttributeValue { return avString(formatTime(t)) }

// stringAttr is "" when the attribute is missing.
func stringAttr(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func stringOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// timeLayout has a fixed width, so that formatted times sort as the times do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// formatTime formats the zero time as "".
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// parseTime is the inverse of formatTime. Anything else is an error: the zero time means "no limit", "not yet" or "never",
// which a damaged item must not.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(timeLayout, s)
}

// encode makes an item of a key and a struct. The structs hold strings, numbers, times, lists and maps only, which
// always encode.
func encode(key item, attributes any) item {
	it, err := attributevalue.MarshalMapWithOptions(attributes, func(o *attributevalue.EncoderOptions) {
		o.EncodeTime = func(t time.Time) (types.AttributeValue, error) { return avTime(t), nil }
		o.OmitEmptyTime = true // where a field has omitempty
	})
	if err != nil {
		panic(err)
	}
	maps.Copy(it, key)
	return it
}

// decode reads an item's attributes. Errors: UnreadableError.
func decode[T any](it item) (T, error) {
	var v T
	err := attributevalue.UnmarshalMapWithOptions(it, &v, func(o *attributevalue.DecoderOptions) {
		o.DecodeTime.S = parseTime
	})
	if err != nil {
		return v, unreadable(it, err)
	}
	return v, nil
}

func unreadable(it item, err error) error {
	return deltag.UnreadableError{fmt.Errorf("item %s %s: %w", stringAttr(it, "PK"), stringAttr(it, "SK"), err)}
}
