package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEventLifecycle takes an event through everything that can go wrong: two moves, an address that bounces and is
// corrected, a complaint, an unsubscription, a late sign-up, throttling and lost answers of SES, two power cuts, and
// its cancellation. The ledger explains every mail that each person got or did not get, and agrees with the inbox.
func TestEventLifecycle(t *testing.T) {
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		const people = 30
		p := start(t, path, env...)
		o := p.organiser()
		restart := func() {
			p.kill()
			p = start(t, path, env[1:]...) // the clock is resumed
			o.process = p
			p.post("/local/clock", `{"advance":"11m"}`) // beyond the leases of unconfirmed mails
		}
		p.post("/local/ses", `{"fail":"throttle","times":5}`)
		everybody := p.signUp("p", people)
		o.waitUntilSent()
		bounced, complained, leaver := everybody[0], everybody[1], everybody[2]

		o.must("PATCH", "", `{"startsAt":"2026-12-02T13:00:00Z","endsAt":"2026-12-02T14:00:00Z"}`)
		p.post("/local/clock", `{"advance":"2m"}`)
		o.must("PATCH", "", `{"startsAt":"2026-12-03T13:00:00Z","endsAt":"2026-12-03T14:00:00Z"}`)
		p.post("/local/ses", `{"fail":"timeout-after-accept","times":4}`)
		p.post("/local/clock", `{"advance":"5m"}`)
		p.until("some notices", func() bool { return mailsOnDisk(t, env) > people+5 })
		restart()
		p.until("all notices", func() bool { return mailsOnDisk(t, env) >= 2*people })
		o.waitUntilSent()

		p.feedback(bounced, "bounce")
		p.feedback(complained, "complaint")
		o.must("PATCH", "/registrations/"+o.registration(bounced), `{"email":"rettet@example.dk"}`)
		p.until("the correction", func() bool { return p.kinds("rettet@example.dk") == "confirmation" })

		p.setClock("2026-12-02T13:00:00Z")
		p.until("some reminders", func() bool { return mailsOnDisk(t, env) > 2*people+10 })
		restart()
		o.waitUntilSent()
		p.do("POST", p.unsubscribe(leaver), form, "List-Unsubscribe=One-Click")

		p.setClock("2026-12-03T12:30:00Z")
		late := p.signUp("sen", 1)[0]
		p.until("the late confirmation", func() bool { return p.kinds(late) == "confirmation" })
		o.waitUntilSent()
		o.must("POST", "/cancel", "")
		p.until("the end", func() bool { return strings.HasSuffix(p.kinds(late), "cancelled") })
		o.waitUntilSent()
		p.setClock("2026-12-03T12:55:00Z")
		p.post("/local/ses", `{"fail":"off"}`)
		o.waitUntilSent()

		const usual = "confirmation moved reminder-P1D reminder-PT1H cancelled"
		for _, email := range everybody[3:] {
			p.wantKinds([]string{email}, usual)
		}
		p.wantKinds([]string{bounced}, "confirmation moved")
		p.wantKinds([]string{"rettet@example.dk"}, "confirmation reminder-P1D reminder-PT1H cancelled")
		p.wantKinds([]string{complained}, "confirmation moved cancelled")
		p.wantKinds([]string{leaver}, "confirmation moved reminder-P1D cancelled")
		p.wantKinds([]string{late}, "confirmation cancelled")
		o.checkLedgerAgainstInbox()
	})
}

// feedback publishes an SES event about the newest mail to an address.
func (p *process) feedback(to, kind string) {
	p.t.Helper()
	id := ""
	for _, m := range p.mails() {
		if m.To[0] == to {
			id = m.ID
		}
	}
	p.post("/local/feedback", fmt.Sprintf(`{"mail":%q,"type":%q}`, id, kind))
}

// registration is the id of an address's registration.
func (o organiserClient) registration(email string) string {
	o.t.Helper()
	for _, r := range list[struct{ ID, Email string }](o, "registrations") {
		if r.Email == email {
			return r.ID
		}
	}
	o.t.Fatalf("%s is not signed up", email)
	return ""
}

// unsubscribe is the path of the one-click link in the newest mail to an address that has one.
func (p *process) unsubscribe(to string) (path string) {
	p.t.Helper()
	for _, m := range p.mails() {
		found := regexp.MustCompile(`<http://[^/]+(/\S+)>`).FindStringSubmatch(m.Headers["List-Unsubscribe"])
		if m.To[0] == to && found != nil {
			path = found[1]
		}
	}
	return path
}

// checkLedgerAgainstInbox: each delivery that was sent has its mail in the inbox, and each mail its delivery. All other
// deliveries are final and have a reason.
func (o organiserClient) checkLedgerAgainstInbox() {
	o.t.Helper()
	inbox := map[string]mail{}
	for _, m := range o.mails() {
		inbox[m.ID] = m
	}
	for _, d := range list[delivery](o, "deliveries") {
		m, arrived := inbox[d.MessageID]
		switch {
		case d.isActive():
			o.t.Errorf("%s is still %s", d.ID, d.Status)
		case d.Status == "skipped" || d.Status == "failed":
			if d.Reason == "" || arrived {
				o.t.Errorf("%s is %s because of %q, and in the inbox: %v", d.ID, d.Status, d.Reason, arrived)
			}
		case !arrived || m.Kind != d.Kind || m.To[0] != d.Email:
			o.t.Errorf("%s is %s to %s, and the inbox has %+v", d.ID, d.Status, d.Email, m)
		}
		delete(inbox, d.MessageID)
	}
	for _, m := range inbox {
		o.t.Errorf("%s to %s has no delivery", m.Kind, m.To)
	}
	if !slices.ContainsFunc(list[delivery](o, "deliveries"), func(d delivery) bool { return d.Status == "skipped" }) {
		o.t.Error("nothing was skipped, so that it tests nothing")
	}
}
