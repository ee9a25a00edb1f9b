package lambdaevent

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
)

// panicError makes an error of what recover returned, for the log. The value is told only where it is the runtime's own:
// any other may quote what somebody sent.
func panicError(v any) error {
	if v == http.ErrAbortHandler {
		return http.ErrAbortHandler // thrown on purpose: where does not matter
	}
	what := fmt.Sprintf("%T", v)
	if own, ok := v.(runtime.Error); ok {
		what = own.Error()
	}
	return fmt.Errorf("panic: %s\n%s", what, debug.Stack())
}
