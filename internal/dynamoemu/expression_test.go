package dynamoemu_test

import (
	"encoding/json"
	"testing"
)

// FuzzExpressions checks that the server accepts or refuses any text as an expression, and does not fail.
func FuzzExpressions(f *testing.F) {
	f.Add("a = :v AND NOT (b <> #n OR begins_with(a, :v))", "SET b = :v ADD c :v REMOVE #n", "PK = :v AND SK > :v")
	f.Add("attribute_exists(a) or a between :v and b", "remove a, b", "PK = :v AND begins_with(SK, :v)")
	f.Add("BETWEEN(a)", "SET", "BETWEEN(PK)")
	emulator := newEmulator()
	call := func(tb testing.TB, operation string, in map[string]any) {
		in["TableName"] = "protocol"
		in["ExpressionAttributeNames"] = map[string]string{"#n": "n"}
		in["ExpressionAttributeValues"] = map[string]any{":v": map[string]string{"S": "v"}}
		body, err := json.Marshal(in)
		if err != nil {
			tb.Fatal(err)
		}
		if answer := send(tb, emulator, request{operation, string(body)}); answer["__type"] == "InternalServerError" {
			tb.Errorf("%s %s: %v", operation, body, answer)
		}
	}
	send(f, emulator, readRequests(f, "protocol.txt")[0])
	f.Fuzz(func(t *testing.T, condition, update, keyCondition string) {
		call(t, "UpdateItem", map[string]any{
			"ConditionExpression": condition, "UpdateExpression": update,
			"Key": map[string]any{"PK": map[string]string{"S": "a"}, "SK": map[string]string{"S": "b"}},
		})
		call(t, "Query", map[string]any{"KeyConditionExpression": keyCondition})
	})
}
