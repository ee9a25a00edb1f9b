package dynamo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An item, or the key of one, by attribute.
type item = map[string]types.AttributeValue

func avString(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func avNumber(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

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

// parseTime is the inverse of formatTime, which alone writes these attributes.
func parseTime(s string) time.Time {
	t, err := time.Parse(timeLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// encode encodes an item struct. The structs hold strings, numbers, lists and maps only, which always encode.
func encode(v any) item {
	it, err := attributevalue.MarshalMap(v)
	if err != nil {
		panic(err)
	}
	return it
}

func decode[T any](it item) (T, error) {
	var v T
	if err := attributevalue.UnmarshalMap(it, &v); err != nil {
		return v, fmt.Errorf("item %s: %w", stringAttr(it, "SK"), err)
	}
	return v, nil
}
