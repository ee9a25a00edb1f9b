package dynamoemu_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"deltag/internal/dynamoemu"
)

// FuzzExpressions: whatever text an expression is, it is taken or refused, and the server lives on.
func FuzzExpressions(f *testing.F) {
	f.Add("a = :v AND NOT (b <> #n OR begins_with(a, :v))", "SET b = :v ADD c :v REMOVE #n", "PK = :v AND SK > :v")
	f.Add("attribute_exists(a) or a between :v and b", "remove a, b", "PK = :v AND begins_with(SK, :v)")
	s := dynamoemu.New(dynamoemu.Options{})
	call := func(tb testing.TB, operation string, in map[string]any) {
		body, err := json.Marshal(in)
		if err != nil {
			tb.Fatal(err)
		}
		r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://dynamoemu", strings.NewReader(string(body)))
		if err != nil {
			tb.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
		response, err := s.RoundTrip(r)
		if err != nil || response.StatusCode != http.StatusOK && response.StatusCode != http.StatusBadRequest {
			tb.Errorf("%s %s: %v, %v", operation, body, response, err)
		}
	}
	create := readRequests(f, "protocol.txt")[0]
	var definition map[string]any
	if err := json.Unmarshal([]byte(create.body), &definition); err != nil {
		f.Fatal(err)
	}
	call(f, create.operation, definition)
	f.Fuzz(func(t *testing.T, condition, update, keyCondition string) {
		in := map[string]any{
			"TableName":                 "protocol",
			"ExpressionAttributeNames":  map[string]string{"#n": "n"},
			"ExpressionAttributeValues": map[string]any{":v": map[string]string{"S": "v"}},
			"ConditionExpression":       condition, "UpdateExpression": update,
			"Key": map[string]any{"PK": map[string]string{"S": "a"}, "SK": map[string]string{"S": "b"}},
		}
		call(t, "UpdateItem", in)
		delete(in, "ConditionExpression")
		delete(in, "UpdateExpression")
		delete(in, "Key")
		in["KeyConditionExpression"] = keyCondition
		call(t, "Query", in)
	})
}
