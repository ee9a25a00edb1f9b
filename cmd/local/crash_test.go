package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const public = "/api/v1/public/events/samskabelse/registrations"

// signUp signs people up, each from a network of their own, and returns where their mail goes.
func (p *process) signUp(name string, people int) (emails []string) {
	p.t.Helper()
	for n := range people {
		email := fmt.Sprintf("%s%d@example.dk", name, n)
		res, raw := p.do("POST", public, "application/json", `{"name":"Åse","email":"`+email+`"}`, fmt.Sprintf("X-Local-Source-IP: 198.51.100.%d", n))
		if res.StatusCode != 202 {
			p.t.Fatalf("signing up %s: %d %s", email, res.StatusCode, raw)
		}
		emails = append(emails, email)
	}
	return emails
}

// taken counts the mails that the recorder has on its disk, whether the process lives or not.
func taken(t *testing.T, env []string) int {
	t.Helper()
	at := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, "DATA_DIR=") })
	files, err := filepath.Glob(filepath.Join(strings.TrimPrefix(env[at], "DATA_DIR="), "mails", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// TestKill: a process killed while it sends loses no mail and repeats none.
func TestKill(t *testing.T) {
	const people = 60
	path := binary(t)
	engines(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		everybody := p.signUp("p", people)
		p.kill() // with the last sign-up just answered
		p = start(t, path, env[1:]...)
		p.post("/local/clock", `{"advance":"11m"}`) // what was in doubt is taken up again
		p.until("the confirmations", func() bool { return taken(t, env) >= people })
		p.organiser().settle()
		p.wantKinds(everybody, "confirmation")

		p.goTo("2026-11-30T13:00:00Z")
		p.until("some reminders", func() bool { return taken(t, env) >= people+10 })
		p.kill()
		before := taken(t, env)
		if before >= 2*people {
			t.Fatal("all was sent before the kill, which shows nothing")
		}
		t.Logf("killed after %d of %d reminders", before-people, people)
		p = start(t, path, env[1:]...)
		p.post("/local/clock", `{"advance":"11m"}`)
		p.until("the reminders", func() bool { return taken(t, env) >= 2*people })
		p.organiser().settle()
		p.wantKinds(everybody, "confirmation reminder-P1D")

		p.kill() // at rest, nothing comes again
		p = start(t, path, env[1:]...)
		p.post("/local/clock", `{"advance":"11m"}`)
		marker := p.signUp("marker", 1)
		p.until("the marker", func() bool { return taken(t, env) > 2*people })
		p.organiser().settle()
		p.wantKinds(everybody, "confirmation reminder-P1D")
		p.wantKinds(marker, "confirmation")
	})
}

// TestFaults: whatever SES does, each mail goes out once, or the ledger says why not.
func TestFaults(t *testing.T) {
	path := binary(t)
	engines(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		o := p.organiser()
		for _, c := range []struct{ fault, kinds, history string }{
			{"throttle", "confirmation", `({sending } {pending throttled} )*{sending } {sent }`},
			// SES's own event may come before the lost answer is noted. Handed over again it is not.
			{"timeout-after-accept", "confirmation", `{sending } ({unknown no-answer} )?{sent }`},
			{"reject", "", `{sending } {failed rejected}`},
		} {
			const people = 3
			p.post("/local/ses", fmt.Sprintf(`{"fail":%q,"times":%d}`, c.fault, people))
			emails := p.signUp(c.fault, people)
			p.until("the first attempts", func() bool {
				return !slices.ContainsFunc(list[delivery](o, "deliveries"), func(d delivery) bool {
					return d.Status == "sending" || d.Status == "pending" && d.Reason == ""
				})
			})
			p.post("/local/clock", `{"advance":"11m"}`)
			o.settle()
			p.wantKinds(emails, c.kinds)
			var all string
			for _, d := range list[delivery](o, "deliveries") {
				all += o.history(d.ID)
				if history := o.history(d.ID); slices.Contains(emails, d.Email) && !regexp.MustCompile(`^\[`+c.history+`\]$`).MatchString(history) {
					t.Errorf("%s: %s", c.fault, history)
				}
			}
			if c.fault == "throttle" && !strings.Contains(all, "throttled") {
				t.Errorf("nothing was throttled: %s", all)
			}
		}
	})
}
