package console

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
)

// newFixedEvent stores an event whose registrations have the same ids each time, and so the same order.
func (c *client) newFixedEvent(change func(*deltag.Event)) deltag.Event {
	c.Helper()
	return c.newEvent("samskabelse", func(e *deltag.Event) {
		e.Title, e.Secret = "Samskabelse på dagsordenen", bytes.Repeat([]byte{7}, len(e.Secret))
		e.ScheduledMails = append(e.ScheduledMails, deltag.ScheduledMail{
			Kind: deltag.KindFollowUpAttended, Offset: deltag.Offset(time.Hour), Text: "Tak for i dag.",
		}, deltag.ScheduledMail{Kind: deltag.KindFollowUpMissed, Offset: deltag.Offset(time.Hour)})
		if change != nil {
			change(e)
		}
	})
}

func (e eventClient) path(page string) string { return "/organiser/events/" + e.event.ID + "/" + page }

// An eventClient is a client with an event.
type eventClient struct {
	*client
	event deltag.Event
}

// newEventClient is a reader's, who may see everything here.
func newEventClient(tb testing.TB, change func(*deltag.Event)) eventClient {
	tb.Helper()
	return newEventClientOf(newClient(tb), change)
}

func newEventClientOf(c *client, change func(*deltag.Event)) eventClient {
	c.Helper()
	c.addMember("rie", deltag.RoleReader)
	c.signIn("rie")
	return eventClient{c, c.newFixedEvent(change)}
}

// signUp signs somebody up some days before now.
func (e eventClient) signUp(n int, organisation, email string, daysAgo int) deltag.Registration {
	e.Helper()
	in := deltag.SignUpRequest{
		Name: fmt.Sprint("Person ", n), Organisation: organisation, Language: "da",
		Email: deltag.Address{Original: email, Normalized: strings.ToLower(email)}, ByOrganiser: true,
	}
	ctx := context.Background()
	if _, err := e.store.SignUp(ctx, e.event, in, start.AddDate(0, 0, -daysAgo)); err != nil {
		e.Fatal(err)
	}
	_, r, err := e.store.EventAndRegistration(ctx, e.event.ID, deltag.RegistrationID(e.event, in.Email))
	if err != nil {
		e.Fatal(err)
	}
	return r
}

func (e eventClient) cancel(r deltag.Registration) {
	e.Helper()
	if err := e.store.CancelRegistration(context.Background(), e.event, r, start); err != nil {
		e.Fatal(err)
	}
}

// signUpMany signs up people of many municipalities, and of other places, over some days.
func (e eventClient) signUpMany(days int) {
	e.Helper()
	n := 0
	add := func(organisation, domain string) {
		n++
		e.signUp(n, organisation, fmt.Sprintf("p%d@%s", n, domain), n*n*7%days)
	}
	for i, m := range municipality.All() {
		for range (i * i) % 5 {
			add(m.Name+" Kommune, HR", "gmail.com")
		}
	}
	for i := range 60 {
		for range 1 + i%4 {
			add(fmt.Sprintf("Forening %02d", i), "example.dk")
		}
	}
	for range 3 {
		add("", "example.dk")
	}
	e.cancel(e.signUp(9999, "Afmeldt A/S", "afmeldt@example.dk", 1))
}

func TestCoverage(t *testing.T) {
	c := newEventClient(t, nil)
	c.signUp(1, "Hedensted Kommune, HR", "a@gmail.com", 1)
	c.signUp(2, "", "b@aarhus.dk", 1)
	c.signUp(3, "=cmd", "c@example.dk", 1)
	c.cancel(c.signUp(4, "Odense Kommune", "d@gmail.com", 1))
	page := c.get(c.path("coverage")).want(http.StatusOK).says(".lead", "2 af 98 kommuner er med").
		says("h3:contains(Midtjylland)", "2 af 19 er med").has("ul.names:contains(Odense)", 1).says("main", "=cmd 1 person")
	page.has(`a[href="`+c.path("coverage.csv")+`"]`, 1)

	pasted := "KL\r\nAarhus\r\n=cmd"
	page = c.post(c.path("coverage"), "expected", pasted).want(http.StatusOK).says(".lead", "2 af 3 på din liste er med").
		says("main", "Andre, der er med Hedensted 1 person").has(`form[action="`+c.path("coverage.csv")+`"]`, 1)
	if got, _ := page.doc.Find("input[name=expected]").Attr("value"); strings.ReplaceAll(got, "\r", "") != "KL\nAarhus\n=cmd" {
		t.Errorf("the list is sent on as %q", got)
	}
	c.post(c.path("coverage"), "expected", strings.Repeat("ø", deltag.MaxName+1)).want(http.StatusUnprocessableEntity).
		says(".alert", "længere end 200 tegn").has("textarea[aria-invalid]", 1)
	c.post(c.path("coverage.csv"), "expected", strings.Repeat("ø", deltag.MaxName+1)).want(http.StatusUnprocessableEntity)

	want(t, rows(t, c.post(c.path("coverage.csv"), "expected", pasted)), [][]string{
		{"Navn", "Region", "Personer"}, {"KL", "", "0"}, {"Aarhus", "Midtjylland", "1"}, {"'=cmd", "", "1"},
	})
	csv := c.get(c.path("coverage.csv?lang=en")).want(http.StatusOK)
	all := rows(t, csv)
	want(t, len(all), 99)
	want(t, all[:2], [][]string{{"Name", "Region", "People"}, {"Albertslund", "Hovedstaden", "0"}})
	want(t, csv.Header.Get("Content-Disposition"), "attachment; filename=samskabelse-who-is-missing.csv")
	want(t, csv.Header.Get("Content-Type"), "text/csv; charset=utf-8")
}

func rows(t *testing.T, r response) [][]string {
	t.Helper()
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(r.text, "\ufeff")))
	in.Comma = ';'
	all, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func want(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestSignUpsPage(t *testing.T) {
	c := newEventClient(t, nil)
	c.get(c.path("sign-ups")).want(http.StatusOK).says("main", "Ingen har tilmeldt sig").has("svg[role=img]", 0)
	for n := range 4 {
		c.signUp(n, "Aarhus Kommune", fmt.Sprintf("a%d@example.dk", n), n/2)
	}
	c.signUp(5, "KL", "kl@example.dk", 3)
	c.cancel(c.signUp(6, "Odense Kommune", "o@example.dk", 3))
	page := c.get(c.path("sign-ups")).want(http.StatusOK).has("svg[role=img] rect", 3).has("tbody tr", 3).
		says("tbody tr:first-child", "23. november 2 6").says("tbody tr:last-child", "20. november 2 2").
		says(".bars li:first-child", "Aarhus kommune 4").says(".bars li:last-child", "KL 1").has(".bars li", 2)
	label, _ := page.doc.Find("main svg").Attr("aria-label")
	want(t, label, "Søjler: tilmeldinger pr. dag fra 10. november til 23. november. Flest var der 20. november: 2.")
}

// TestChart: bars fit, whatever the days.
func TestChart(t *testing.T) {
	e := deltag.Event{TimeZone: "Europe/Copenhagen", StartsAt: start.AddDate(0, 0, 8), EndsAt: start.AddDate(0, 0, 8)}
	c := newClient(t)
	p := &page{now: start}
	p.Page = c.site.plainPage(nil, newRequest("/"), deltag.LanguageDanish)
	for name, tt := range map[string]struct {
		byDay    map[string]int
		now      time.Time
		bars     int
		from, to string
	}{
		"OneDay":        {map[string]int{"2026-11-23": 1}, start, minDays, "10. november", "23. november"},
		"ADayThatEnds":  {map[string]int{"2026-11-01": 3}, start, 23, "1. november", "23. november"},
		"OverAClock":    {map[string]int{"2026-10-24": 3}, start, 31, "24. oktober", "23. november"},
		"MostDays":      {map[string]int{"2026-09-15": 3, "2026-11-23": 4000}, start, 70, "15. september", "23. november"},
		"Weeks":         {map[string]int{"2026-09-14": 3, "2026-11-23": 1}, start, 11, "14. september", "23. november"},
		"AfterTheEvent": {map[string]int{"2026-11-23": 3}, start.AddDate(1, 0, 0), minDays, "18. november", "1. december"},
	} {
		t.Run(name, func(t *testing.T) {
			p.now = tt.now
			chart := p.newChart(e, tt.byDay)
			want(t, len(chart.Bars), tt.bars)
			want(t, chart.From+" "+chart.To, tt.from+" "+tt.to)
			people, total := 0, 0
			for _, bar := range chart.Bars {
				people += bar.People
				if bar.Y < 0 || bar.Y+bar.Height != chartHeight || bar.X+8 > chart.Width || bar.People > 0 && bar.Height < 10 {
					t.Errorf("%+v", bar)
				}
			}
			for _, n := range tt.byDay {
				total += n
			}
			want(t, people, total)
		})
	}
}

func newRequest(path string) *http.Request { return &http.Request{URL: &url.URL{Path: path}} }
