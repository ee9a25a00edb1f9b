// Package lambdaevent turns the events that Lambda hands to a function into plain Go calls: an HTTP request, a batch of
// the table's stream, the schedule's tick, an event of SES.
package lambdaevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
)

// HTTPHandler adapts a handler to API Gateway's HTTP API, payload version 2.0. The handler sees the request that net/http's
// server would have shown it, and its answer reaches the client as that server would have sent it, compressed where
// that helps. A handler that panics, breaks its own Content-Length or answers with more than Lambda passes on gives a 500.
//
// The error is only for events of another kind: then the function is wired wrongly.
func HTTPHandler(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if event.RequestContext.HTTP.Method == "" {
			return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("no HTTP API event of payload version 2.0, but of version %q", event.Version)
		}
		id := event.RequestContext.RequestID
		r, err := request(ctx, event)
		if err != nil {
			return problem(event, http.StatusBadRequest, "malformed", "The request could not be read."), nil
		}
		answer, err := serve(h, newResponseWriter(event), r)
		if err == nil {
			return answer, nil
		}
		slog.ErrorContext(ctx, "no answer", "request", id, "error", err)
		if errors.Is(err, errTooLarge) {
			return problem(event, http.StatusInternalServerError, "answer-too-large", "The answer is too large. Ask for less at a time, or accept gzip."), nil
		}
		return problem(event, http.StatusInternalServerError, "internal", "Something went wrong here. Please try again."), nil
	}
}

func serve(h http.Handler, w *responseWriter, r *http.Request) (_ events.APIGatewayV2HTTPResponse, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicError(v)
		}
	}()
	h.ServeHTTP(w, r)
	return w.response()
}

// problem answers with a problem document (RFC 9457) in fixed words.
func problem(event events.APIGatewayV2HTTPRequest, status int, code, title string) events.APIGatewayV2HTTPResponse {
	w := newResponseWriter(event)
	w.header.Set("Content-Type", "application/problem+json")
	w.header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"type":"about:blank","status":` + strconv.Itoa(status) + `,"code":"` + code + `","title":"` + title + `"}`))
	answer, _ := w.response() // a short one cannot fail
	return answer
}
