package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const publicPath = "/api/v1/public/events/samskabelse/registrations"

// signUp signs people up, each from another network, and returns their addresses.
func (p *process) signUp(name string, people int) (emails []string) {
	p.t.Helper()
	for n := range people {
		email := fmt.Sprintf("%s%d@example.dk", name, n)
		res, raw := p.do(
			"POST", publicPath, "application/json", `{"name":"Åse","email":"`+email+`"}`,
			fmt.Sprintf("X-Local-Source-IP: 198.51.100.%d", n),
		)
		if res.StatusCode != 202 {
			p.t.Fatalf("signing up %s: %d %s", email, res.StatusCode, raw)
		}
		emails = append(emails, email)
	}
	return emails
}

// mailsOnDisk counts the mails that were accepted, whether the process runs or not.
func mailsOnDisk(t *testing.T, env []string) int {
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
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		everybody := p.signUp("p", people)
		p.kill() // with the last sign-up just answered
		p = start(t, path, env[1:]...)
		p.post("/local/clock", `{"advance":"11m"}`) // beyond the leases of unconfirmed mails
		p.until("the confirmations", func() bool { return mailsOnDisk(t, env) >= people })
		p.organiser().waitUntilSent()
		p.wantKinds(everybody, "confirmation")

		p.setClock("2026-11-30T13:00:00Z")
		p.until("some reminders", func() bool { return mailsOnDisk(t, env) >= people+10 })
		p.kill()
		before := mailsOnDisk(t, env)
		if before >= 2*people {
			t.Fatal("everything was sent before the kill, so that it tests nothing")
		}
		t.Logf("killed after %d of %d reminders", before-people, people)
		p = start(t, path, env[1:]...)
		p.post("/local/clock", `{"advance":"11m"}`)
		p.until("the reminders", func() bool { return mailsOnDisk(t, env) >= 2*people })
		p.organiser().waitUntilSent()
		p.wantKinds(everybody, "confirmation reminder-P1D")

		p.kill() // with nothing left to do: nothing is sent again
		p = start(t, path, env[1:]...)
		p.post("/local/clock", `{"advance":"11m"}`)
		marker := p.signUp("marker", 1)
		p.until("the marker", func() bool { return mailsOnDisk(t, env) > 2*people })
		p.organiser().waitUntilSent()
		p.wantKinds(everybody, "confirmation reminder-P1D")
		p.wantKinds(marker, "confirmation")
	})
}

// TestSESFailures: whatever SES does, each mail is sent once, or the ledger says why not.
func TestSESFailures(t *testing.T) {
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		o := p.organiser()
		for _, c := range []struct{ failure, kinds, history string }{
			{"throttle", "confirmation", `({sending } {pending throttled} )*{sending } {sent }`},
			// The Send event may come before the lost answer is recorded. The mail is not sent again.
			{"timeout-after-accept", "confirmation", `{sending } ({unknown no-answer} )?{sent }`},
			{"reject", "", `{sending } {failed rejected}`},
			{"not-verified", "confirmation", `({sending } {pending sending-not-allowed} )*{sending } {sent }`},
			{"access-denied", "confirmation", `({sending } {pending sending-not-allowed} )*{sending } {sent }`},
			{"paused", "confirmation", `({sending } {pending sending-not-allowed} )*{sending } {sent }`},
		} {
			const people = 3
			p.post("/local/ses", fmt.Sprintf(`{"fail":%q,"times":%d}`, c.failure, people))
			emails := p.signUp(c.failure, people)
			p.until("the first attempts", func() bool {
				return !slices.ContainsFunc(list[delivery](o, "deliveries"), func(d delivery) bool {
					return d.Status == "sending" || d.Status == "pending" && d.Reason == ""
				})
			})
			p.post("/local/clock", `{"advance":"11m"}`)
			o.waitUntilSent()
			p.wantKinds(emails, c.kinds)
			var all string
			for _, d := range list[delivery](o, "deliveries") {
				all += o.history(d.ID)
				matches := regexp.MustCompile(`^\[` + c.history + `\]$`).MatchString
				if history := o.history(d.ID); slices.Contains(emails, d.Email) && !matches(history) {
					t.Errorf("%s: %s", c.failure, history)
				}
			}
			if c.failure == "throttle" && !strings.Contains(all, "throttled") {
				t.Errorf("nothing was throttled: %s", all)
			}
		}
	})
}
