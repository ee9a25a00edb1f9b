package storetest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func decodeAll(tb testing.TB, items []map[string]types.AttributeValue) []map[string]any {
	tb.Helper()
	all := make([]map[string]any, len(items))
	for i, it := range items {
		if err := attributevalue.UnmarshalMap(it, &all[i]); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}
