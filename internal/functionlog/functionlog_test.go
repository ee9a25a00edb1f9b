package functionlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/functionlog"
)

func TestNew(t *testing.T) {
	invocation := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	lambdacontext.FunctionName = "site"
	for name, c := range map[string]struct {
		ctx  context.Context
		want map[string]any
	}{
		"AnInvocation": {invocation, map[string]any{"function": "site", "build": "abc", "requestId": "r-1", "seats": 2.0}},
		"OutsideOfOne": {context.Background(), map[string]any{"function": "site", "build": "abc", "seats": 2.0}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			functionlog.New(&out, "abc").With("seats", 2).InfoContext(c.ctx, "hello")
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			for _, own := range []string{"time", "level", "msg"} {
				delete(line, own)
			}
			if diff := cmp.Diff(c.want, line); diff != "" {
				t.Error(diff)
			}
		})
	}
}
