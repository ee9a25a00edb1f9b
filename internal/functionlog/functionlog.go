// Package functionlog is the log of a function: lines of JSON, each with the function, its build and the request.
package functionlog

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// New makes the log of a function and its build. A line that is logged with the context of an invocation has its requestId,
// as Lambda's own lines have it.
func New(w io.Writer, build string) *slog.Logger {
	return slog.New(handler{slog.NewJSONHandler(w, nil)}).With("function", lambdacontext.FunctionName, "build", build)
}

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if call, ok := lambdacontext.FromContext(ctx); ok {
		r = r.Clone()
		r.AddAttrs(slog.String("requestId", call.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
