// Package lambdaevent turns the events that Lambda passes to a function into plain Go calls: an HTTP request, a batch
// of the table's stream, the schedule's tick, an SES event.
package lambdaevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

type (
	httpRequest  = events.APIGatewayV2HTTPRequest
	httpResponse = events.APIGatewayV2HTTPResponse
)

// HTTPHandler adapts a handler to API Gateway's HTTP API, payload version 2.0. The handler sees the request that
// net/http's server would have given it, and the client gets the response that this server would have sent, compressed
// where that pays. A handler that panics, breaks its own Content-Length or answers with more than Lambda returns gives
// a 500.
//
// The handler's context ends responseReserve before Lambda ends the function, so that a request whose store does not
// answer still gets the handler's own answer.
//
// It returns an error only for events of another kind: then the function is wired wrongly.
func HTTPHandler(h http.Handler) func(context.Context, httpRequest) (httpResponse, error) {
	return func(ctx context.Context, event httpRequest) (httpResponse, error) {
		if event.RequestContext.HTTP.Method == "" {
			return httpResponse{}, fmt.Errorf("not an HTTP API event of payload version 2.0: version %q", event.Version)
		}
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-responseReserve))
			defer cancel()
		}
		r, err := request(ctx, event)
		if err != nil {
			return problem(event, http.StatusBadRequest, "malformed", "The request could not be read."), nil
		}
		response, err := serve(h, newResponseWriter(event), r)
		if err == nil {
			return response, nil
		}
		slog.ErrorContext(ctx, "no answer", "request", event.RequestContext.RequestID, "error", err)
		code, title := "internal", "Something went wrong here. Please try again."
		if errors.Is(err, errTooLarge) {
			code, title = "answer-too-large", "The answer is too large. Ask for less at a time, or accept gzip."
		}
		return problem(event, http.StatusInternalServerError, code, title), nil
	}
}

// responseReserve is for rendering and compressing an answer at a fraction of a processor.
const responseReserve = 500 * time.Millisecond

func serve(h http.Handler, w *responseWriter, r *http.Request) (_ httpResponse, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicError(v)
		}
	}()
	h.ServeHTTP(w, r)
	return w.response()
}

// problem is a problem document (RFC 9457). code and title need no JSON escapes.
func problem(event httpRequest, status int, code, title string) httpResponse {
	w := newResponseWriter(event)
	w.header.Set("Content-Type", "application/problem+json")
	w.header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"about:blank","status":%d,"code":%q,"title":%q}`, status, code, title)
	response, _ := w.response() // a short one cannot fail
	return response
}
