package lambdaevent

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
)

// panicError makes an error for the log of what recover returned. Of the value it says only the type, unless it is the
// runtime's own: any other value may quote what somebody sent.
func panicError(v any) error {
	if v == http.ErrAbortHandler {
		return http.ErrAbortHandler // thrown on purpose: no stack needed
	}
	what := fmt.Sprintf("%T", v)
	if own, ok := v.(runtime.Error); ok {
		what = own.Error()
	}
	return fmt.Errorf("panic: %s\n%s", what, debug.Stack())
}
