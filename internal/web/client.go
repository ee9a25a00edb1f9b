package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// NetworkPrefix is where a request comes from: an IPv4 address, or the /48 that IPv6 gives one organisation. "" when it
// is not known.
func NetworkPrefix(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	bits := 32
	if ip = ip.Unmap(); ip.Is6() {
		bits = 48
	}
	prefix, _ := ip.WithZone("").Prefix(bits)
	return prefix.String()
}

// MinResponseTime is above what the store's calls about an address that is known take together, also when they are slow,
// and below what people mind.
const MinResponseTime = 200 * time.Millisecond

// HoldFor is deferred, and called, by a handler whose answer must not tell by the time it takes what is known about an
// address: it waits until d has passed since, or the next multiple of it if the store was slow.
func HoldFor(ctx context.Context, d time.Duration) (wait func()) {
	began := time.Now()
	return func() {
		if d <= 0 {
			return
		}
		select {
		case <-time.After(d - time.Since(began)%d):
		case <-ctx.Done():
		}
	}
}
