package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
)

// press waits for the mail that asks an address whether it is one's own, presses its button, and returns the path of
// the page that comes then.
func (p *process) press(to string) string {
	p.t.Helper()
	var link string
	p.until("the mail to verify "+to, func() bool { return strings.HasSuffix(p.kinds(to), "verify") })
	link = p.link(to, "/r/")
	res, raw := p.do("GET", link, "", "")
	if res.StatusCode != 200 || !strings.Contains(string(raw), `action="`+link+`/verify"`) {
		p.t.Fatalf("the page to verify %s: %d %s", to, res.StatusCode, raw)
	}
	res, raw = p.do("POST", link+"/verify", form, "")
	if res.StatusCode != 303 {
		p.t.Fatalf("verifying %s: %d %s", to, res.StatusCode, raw)
	}
	page := p.ownPath(res.Header.Get("Location"))
	if res, raw := p.do("GET", page, "", ""); res.StatusCode != 200 || !strings.Contains(string(raw), to) {
		p.t.Fatalf("the page after verifying %s: %d %s", to, res.StatusCode, raw)
	}
	return page
}

// signUpAt signs an address up from a network, and returns the status that is answered.
func (p *process) signUpAt(slug, email, network, more string) string {
	p.t.Helper()
	body := fmt.Sprintf(`{"name":"Åse","email":%q%s}`, email, more)
	res, raw := p.do("POST", "/api/v1/public/events/"+slug+"/registrations", "application/json", body,
		"X-Local-Source-IP: "+network)
	if res.StatusCode != 202 {
		p.t.Fatalf("signing up %s: %d %s", email, res.StatusCode, raw)
	}
	_, status, _ := strings.Cut(string(raw), `"status":"`)
	status, _, _ = strings.Cut(status, `"`)
	return status
}

func (o organiserClient) newLimitedEvent(slug string, capacity int) (of organiserClient) {
	o.t.Helper()
	o.create(fmt.Sprintf(`{"slug":%q,"title":"Få pladser","capacity":%d,
		"startsAt":"2026-12-01T13:00:00Z","endsAt":"2026-12-01T14:00:00Z",
		"organiser":{"name":"UKON","email":"hej@example.dk"}}`, slug, capacity), &of)
	return of
}

type person struct {
	Name, Email, Organisation, Status string
	Updates                           bool
}

func (o organiserClient) person(email string) person {
	o.t.Helper()
	for _, r := range list[person](o, "registrations") {
		if r.Email == email {
			return r
		}
	}
	o.t.Fatalf("%s is not signed up", email)
	return person{}
}

// TestOneNetworkDoesNotTakeAllSeats: a program signs up 300 made-up addresses for 300 seats.
func TestOneNetworkDoesNotTakeAllSeats(t *testing.T) {
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		o := p.organiser().newLimitedEvent("faa", 300)
		answers := map[string][]string{} // addresses by status
		var mu sync.Mutex
		var attack errgroup.Group
		attack.SetLimit(20)
		for n := range 300 {
			attack.Go(func() error {
				address := fmt.Sprintf("made-up-%d@example.org", n)
				status := p.signUpAt("faa", address, "203.0.113.9", "")
				mu.Lock()
				defer mu.Unlock()
				answers[status] = append(answers[status], address)
				return nil
			})
		}
		if err := attack.Wait(); err != nil {
			t.Fatal(err)
		}
		if len(answers["received"]) != 30 || len(answers["unverified"]) != 270 {
			t.Fatalf("answers: %v", answers)
		}
		pressed, expired := answers["unverified"][0], answers["unverified"][1]
		if got := o.counts(); got.Confirmed != 30 || got.Unverified != 270 {
			t.Errorf("counts: %+v", got)
		}
		if status := p.signUpAt("faa", "mette@example.dk", "198.51.100.1", ""); status != "received" {
			t.Errorf("an honest visitor is answered %q", status)
		}
		if got := o.person("mette@example.dk").Status; got != "confirmed" {
			t.Errorf("an honest visitor is %s", got)
		}
		p.until("all mail", func() bool { return len(p.mails()) == 301 })
		p.press(pressed)
		if got := o.counts(); got.Confirmed != 32 || got.Unverified != 269 {
			t.Errorf("counts after the press: %+v", got)
		}
		p.post("/local/clock", `{"advance":"24h"}`)
		p.until("the end of what was not verified", func() bool { return o.counts().Unverified == 0 })
		if got := o.counts(); got.Confirmed != 32 || len(list[person](o, "registrations")) != 32 {
			t.Errorf("counts a day later: %+v", got)
		}
		if status := p.signUpAt("faa", expired, "203.0.113.9", ""); status != "received" {
			t.Errorf("a day later the network is answered %q", status)
		}
	})
}

// TestRegistrationsAreTheirOwners: strangers change nothing, learn nothing, and take no seat from anybody.
func TestRegistrationsAreTheirOwners(t *testing.T) {
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		organiser := p.organiser()
		t.Run("AStrangerTakesNoCancellationBack", func(t *testing.T) {
			p.t = t
			o := organiser.newLimitedEvent("afbud", 100)
			p.signUpAt("afbud", "mette@example.dk", "198.51.100.1", `,"organisation":"Solbæk"`)
			p.until("the confirmation", func() bool { return p.kinds("mette@example.dk") == "confirmation" })
			p.do("POST", p.link("mette@example.dk", "/r/")+"/cancel", form, "")
			p.post("/local/clock", `{"advance":"2m"}`)
			new := p.signUpAt("afbud", "freja@example.dk", "203.0.113.9", "")
			evil := `,"organisation":"Evil A/S","updates":true`
			if got := p.signUpAt("afbud", "mette@example.dk", "203.0.113.9", evil); got != new {
				t.Errorf("the answer %q tells that she was signed up", got)
			}
			cancelled := person{Name: "Åse", Email: "mette@example.dk", Organisation: "Solbæk", Status: "cancelled"}
			if got := o.person("mette@example.dk"); got != cancelled {
				t.Errorf("a stranger has changed it: %+v", got)
			}
			p.press("mette@example.dk")
			back := cancelled
			back.Status = "confirmed"
			if got := o.person("mette@example.dk"); got != back {
				t.Errorf("after her own press: %+v", got)
			}
		})
		t.Run("AChangeOfAddressTellsNobodyAnything", func(t *testing.T) {
			p.t = t
			organiser.newLimitedEvent("gaet", 1)
			for n, name := range []string{"seated", "victim", "attacker", "attacker2"} {
				p.signUpAt("gaet", name+"@example.dk", fmt.Sprintf("198.51.100.%d", n), "")
				p.until("the mail to "+name, func() bool { return p.kinds(name+"@example.dk") != "" })
			}
			place := func() string {
				_, raw := p.do("GET", p.link("attacker2@example.dk", "/r/"), "", "")
				_, after, _ := strings.Cut(string(raw), "Du er nummer ")
				place, _, _ := strings.Cut(after, " ")
				return place
			}
			if got := place(); got != "3" {
				t.Fatalf("place %q", got)
			}
			link := p.link("attacker@example.dk", "/r/")
			for _, email := range []string{"victim@example.dk", "nobody@example.dk"} {
				if res, _ := p.do("POST", link, form, fields("Åse", email)); res.StatusCode != 200 || place() != "3" {
					t.Errorf("changed to %s: %d, place %s", email, res.StatusCode, place())
				}
				p.until("the mail to "+email, func() bool { return strings.HasSuffix(p.kinds(email), "verify") })
			}
		})
		t.Run("ASeatSurvivesTheChangeToAnAddressThatGaveOneUp", func(t *testing.T) {
			p.t = t
			o := organiser.newLimitedEvent("skift", 2)
			for n, name := range []string{"gammel", "ny", "naeste"} {
				email := name + "@example.dk"
				p.signUpAt("skift", email, fmt.Sprintf("198.51.100.%d", n), "")
				p.until("the mail to "+email, func() bool { return p.kinds(email) != "" })
				if name == "ny" {
					p.do("POST", p.link(email, "/r/")+"/cancel", form, "")
					p.until("the mail about it", func() bool { return p.kinds(email) == "confirmation withdrawn" })
				}
			}
			before := o.counts()
			p.do("POST", p.link("gammel@example.dk", "/r/"), form, fields("Åse", "ny@example.dk"))
			if got := o.counts(); got != before {
				t.Errorf("before the press: %+v, was %+v", got, before)
			}
			p.press("ny@example.dk")
			if got := o.person("ny@example.dk").Status; got != "confirmed" {
				t.Errorf("she is %s", got)
			}
			if got := o.counts(); got.Confirmed != 2 || got.Cancelled != 0 {
				t.Errorf("counts: %+v", got)
			}
			p.until("the last mail to the old address", func() bool {
				return p.kinds("gammel@example.dk") == "confirmation readdressed"
			})
			p.until("the confirmation", func() bool {
				return p.kinds("ny@example.dk") == "confirmation withdrawn verify confirmation"
			})
		})
	})
}
