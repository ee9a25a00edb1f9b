package dynamo

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"deltag/internal/deltag"
)

// TestConnectionsAfterAPause: a connection that was idle while the function was frozen is not used again.
func TestConnectionsAfterAPause(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	now := time.Now()
	client := newHTTPClient(func() time.Time { return now })
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		pause      time.Duration
		wantReused bool
	}{{0, false}, {time.Second, true}, {maxPause, true}, {maxPause + time.Second, false}, {time.Second, true}} {
		now = now.Add(c.pause)
		trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
			if got.Reused != c.wantReused {
				t.Errorf("after %v: reused %v, want %v", c.pause, got.Reused, c.wantReused)
			}
		}}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

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
