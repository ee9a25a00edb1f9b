package console

import (
	"strings"
	"testing"

	"deltag/internal/testing/storetest"
)

// TestCallsOfAPage counts the requests to DynamoDB of the pages that organisers open most, which must not grow with the
// number of people. Each includes one for the session and its member.
func TestCallsOfAPage(t *testing.T) {
	engine := storetest.Embedded(t)
	c := newClientOf(t, engine.Store(), "https://deltag.example.dk")
	c.signIn("anna")
	e := c.create(nil)
	c.signUpFor(e, "a", "b", "c")
	c.get("/organiser") // when the session was used is written once an hour
	for path, most := range map[string]int{
		"/organiser/events/" + e.ID:               5,
		"/organiser/events/" + e.ID + "/edit":     5,
		"/organiser/events/" + e.ID + "/messages": 5,
		"/organiser/events/" + e.ID + "/history":  3,
		"/organiser/members":                      4,
	} {
		engine.Transport.Reset()
		if a := c.get(path); a.StatusCode != 200 {
			t.Fatalf("%s: %d", path, a.StatusCode)
		}
		if n := engine.Transport.Count(); n > most {
			t.Errorf("%s: %d requests, at most %d", strings.TrimPrefix(path, "/organiser"), n, most)
		} else {
			t.Logf("%s: %d requests", strings.TrimPrefix(path, "/organiser"), n)
		}
	}
}
