package maildomain

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A nameServer answers on a loopback port, from a table by type and name.
type nameServer struct {
	net.PacketConn
	records map[string]dnsmessage.ResourceBody // by type and name, such as "MX example.dk."
	codes   map[string]dnsmessage.RCode        // by that, or by name alone; success where there is none

	mu    sync.Mutex
	asked []string
}

const silent = dnsmessage.RCode(0xffff) // is no answer

// start returns the functions' resolver, which asks s alone.
func (s *nameServer) start(t *testing.T) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.PacketConn = conn
	var wg sync.WaitGroup
	wg.Go(s.serve)
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	r := newResolver()
	r.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}
	return r
}

func (s *nameServer) serve() {
	buffer := make([]byte, 4096)
	for {
		n, client, err := s.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		var parser dnsmessage.Parser
		m.Header, err = parser.Start(buffer[:n])
		if err != nil {
			continue
		}
		if m.Questions, err = parser.AllQuestions(); err != nil || len(m.Questions) != 1 {
			continue
		}
		if packed, ok := s.answer(m); ok {
			_, _ = s.WriteTo(packed, client)
		}
	}
}

func (s *nameServer) answer(m dnsmessage.Message) ([]byte, bool) {
	q := m.Questions[0]
	key := q.Type.String()[len("Type"):] + " " + q.Name.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, key)
	code, ok := s.codes[key]
	if !ok {
		code = s.codes[q.Name.String()]
	}
	if code == silent {
		return nil, false
	}
	m.Response, m.RecursionAvailable, m.RCode = true, true, code
	if body := s.records[key]; body != nil {
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
		m.Answers = []dnsmessage.Resource{{Header: header, Body: body}}
	}
	packed, err := m.Pack()
	return packed, err == nil
}

// TestResolver holds a Checker against real answers of DNS.
func TestResolver(t *testing.T) {
	mx := func(host string) dnsmessage.ResourceBody {
		return &dnsmessage.MXResource{MX: dnsmessage.MustNewName(host)}
	}
	address := &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}
	s := &nameServer{
		records: map[string]dnsmessage.ResourceBody{
			"MX server.example.dk.": mx("mail.example.dk."),
			"MX null.example.dk.":   mx("."),
			"A null.example.dk.":    address,
			"A address.example.dk.": address,
			"AAAA six.example.dk.":  &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}},
		},
		codes: map[string]dnsmessage.RCode{
			"missing.example.dk.":   dnsmessage.RCodeNameError,
			"failing.example.dk.":   dnsmessage.RCodeServerFailure,
			"refusing.example.dk.":  dnsmessage.RCodeRefused,
			"AAAA half.example.dk.": dnsmessage.RCodeServerFailure,
			"silent.example.dk.":    silent,
		},
	}
	r := s.start(t)
	tests := map[string]bool{
		"server": true, "null": false, "address": true, "six": true, "empty": false, "missing": false, "failing": true,
		"refusing": true, "half": true, "silent": true,
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if got := New(r, time.Now, slog.New(slog.DiscardHandler)).Receives(t.Context(), name+".example.dk"); got != want {
				t.Errorf("Receives: %t", got)
			}
			if took := time.Since(start); took > 3*time.Second { // a resolver's own patience is ten seconds and more
				t.Errorf("took %v", took)
			}
		})
	}
	var allowed []string // no name of a search list
	for name := range tests {
		fqdn := name + ".example.dk."
		allowed = append(allowed, "MX "+fqdn, "A "+fqdn, "AAAA "+fqdn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.asked {
		if !slices.Contains(allowed, key) {
			t.Errorf("asked for %s", key)
		}
	}
}
