package console

import (
	"context"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
	"deltag/internal/organiser"
)

// insightPages opens the pages about an event's coverage, sign-ups and mails.
func insightPages(t *testing.T) map[string]func(query string) response {
	of := func(change func(*deltag.Event), serve func(eventClient, string) response) func(string) response {
		return func(query string) response { return serve(newEventClient(t, change), query) }
	}
	get := func(page string, prepare func(eventClient)) func(string) response {
		return of(nil, func(c eventClient, q string) response {
			prepare(c)
			return c.get(c.path(page) + q)
		})
	}
	compare := func(list string) func(string) response {
		return of(nil, func(c eventClient, q string) response {
			c.signUpMany(20)
			return c.post(c.path("coverage")+q, "expected", list)
		})
	}
	erased := func(page string) func(string) response {
		return of(endedLongAgo, func(c eventClient, q string) response {
			c.signUp(1, "KL", "kl@example.dk", 60)
			return c.get(c.path(page) + q)
		})
	}
	nothing := func(eventClient) {}
	return map[string]func(query string) response{
		"coverage-none":          get("coverage", nothing),
		"coverage":               get("coverage", func(c eventClient) { c.signUpMany(20) }),
		"coverage-own":           compare("Aarhus Kommune\nKL\nRegion Midtjylland\nForening 07"),
		"coverage-own-all-there": compare("Forening 07\nForening 08"),
		"coverage-too-many":      compare(manyLines(municipality.MaxExpected + 1)),
		"coverage-too-long":      compare(strings.Repeat("ø", deltag.MaxName+1)),
		"coverage-erased":        erased("coverage"),
		"sign-ups-none":          get("sign-ups", nothing),
		"sign-ups":               get("sign-ups", func(c eventClient) { c.signUpMany(20) }),
		"sign-ups-weeks":         get("sign-ups", func(c eventClient) { c.signUpMany(120) }),
		"sign-ups-erased":        erased("sign-ups"),
		"mails-none":             get("mails", nothing),
		"mails": get("mails", func(c eventClient) {
			c.newMailings()
			c.newEveryMail()
		}),
		"mails-next": of(nil, func(c eventClient, q string) response {
			c.newEveryMail()
			next, _ := c.get(c.path("mails")).doc.Find("main > p:last-child a").Attr("href")
			return c.get(next + "&" + q[1:])
		}),
		"mails-late": of(startsInHalfAnHour, func(c eventClient, q string) response { return c.get(c.path("mails") + q) }),
		"mails-of-many": get("mails", func(c eventClient) {
			c.newMailings()
			c.site.Organiser.Store = manyPeople{c.site.Organiser.Store}
		}),
		"mails-to-one": of(nil, func(c eventClient, q string) response {
			c.newEveryMail()
			return c.get(c.path("mails") + q + "&email=mette@gmial.com")
		}),
		"mails-faulty": of(nil, func(c eventClient, q string) response {
			return c.get(c.path("mails") + q + "&email=mette")
		}),
	}
}

func endedLongAgo(e *deltag.Event) {
	e.StartsAt = start.AddDate(0, 0, -50)
	e.EndsAt = e.StartsAt.Add(1)
}

func startsInHalfAnHour(e *deltag.Event) {
	e.StartsAt = start.Add(30 * 60e9)
	e.EndsAt = e.StartsAt.Add(60 * 60e9)
}

// manyPeople is a store whose events have too many people to count their mails.
type manyPeople struct{ organiser.Store }

func (manyPeople) Counts(context.Context, deltag.Event) (deltag.Counts, error) {
	return deltag.Counts{Confirmed: 10_000}, nil
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("Forening " + strings.Repeat("x", i%100+1) + strings.Repeat("y", i/100+1) + "\n")
	}
	return b.String()
}
