package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestReputation: a program signs up made-up addresses, which bounce. Further mail to its network's strangers waits for
// the organiser, who is told; everybody else gets theirs.
func TestReputation(t *testing.T) {
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		const attacker, honest = "203.0.113.9", "198.51.100.1"
		p := start(t, path, env...)
		o := p.organiser().newLimitedEvent("rygte", 100)
		signUp := func(email, network string) {
			t.Helper()
			if status := p.signUpAt("rygte", email, network, ""); status != "received" {
				t.Fatalf("%s from %s is answered %q", email, network, status)
			}
		}
		for n := range 5 {
			email := fmt.Sprintf("made-up-%d@example.org", n)
			signUp(email, attacker)
			p.until("the mail to "+email, func() bool { return p.kinds(email) == "confirmation" })
			p.feedback(email, "bounce")
		}
		o.waitFor("bounced", 5)

		signUp("freja@example.dk", attacker) // who is where the attacker is
		o.waitFor("skipped", 1)
		signUp("mette@example.dk", honest)
		p.until("the honest visitor's mail", func() bool { return p.kinds("mette@example.dk") == "confirmation" })
		if got := o.person("freja@example.dk").Status; got != "unverified" {
			t.Errorf("she is %s", got)
		}

		p.post("/local/clock", `{"advance":"24h"}`)
		p.until("the note", func() bool { return p.kinds("hej@example.dk") == "organiser-note" })
		for _, m := range p.mails() {
			if m.Kind != "organiser-note" {
				continue
			}
			if !strings.Contains(m.Text, "freja@example.dk") || strings.Contains(m.Text, "mette@example.dk") {
				t.Errorf("the note: %s", m.Text)
			}
		}
		for _, d := range list[delivery](o, "deliveries") {
			if d.Email == "freja@example.dk" && d.Reason == "network-bounces" {
				o.must("POST", "/deliveries/"+d.ID+"/resend", "")
			}
		}
		p.press("freja@example.dk")
		p.until("her confirmation", func() bool { return p.kinds("freja@example.dk") == "verify confirmation" })
	})
}

// waitFor waits until so many deliveries have a status.
func (o organiserClient) waitFor(status string, n int) {
	o.t.Helper()
	o.until(fmt.Sprintf("%d deliveries that are %s", n, status), func() bool {
		got := 0
		for _, d := range list[delivery](o, "deliveries") {
			if d.Status == status {
				got++
			}
		}
		return got == n
	})
}
