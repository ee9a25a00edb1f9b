package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"deltag/internal/deltag"
)

// newAttendees stores an event with people in every state.
func (c *client) newAttendees() deltag.Event {
	c.Helper()
	three := 3
	e := c.newEvent("samskabelse", func(e *deltag.Event) {
		e.Capacity = &three
		e.Questions = []deltag.Question{
			{ID: "hvor", Kind: deltag.QuestionChoice, Label: "Hvor arbejder du?", Options: []string{"Kommune", "Region"}},
			{ID: "film", Kind: deltag.QuestionCheckbox, Label: "Må vi filme?"},
			{ID: "mere", Kind: deltag.QuestionShortText, Label: "Hvad vil du høre om?"},
		}
	})
	for i, person := range []struct{ name, organisation, answer string }{
		{"Søren Ørsted", "Århus Kommune", "Kommune"}, {"Åse Ærø", "Aabenraa Kommune", "Kommune"}, {"Bo Lund", "", "Region"},
		{"Aage Dahl", "Vejle Kommune", ""}, {"Zenia Holm", "Region Midt", "Region"},
	} {
		in := deltag.SignUpRequest{
			Name: person.name, Organisation: person.organisation, Email: addressOf(fmt.Sprint("p", i)), Language: "da",
			Answers: map[string][]string{}, AllowsNews: true, ByOrganiser: true,
		}
		if person.answer != "" {
			in.Answers["hvor"] = []string{person.answer}
		}
		if _, err := c.store.SignUp(context.Background(), e, in, start.Add(time.Duration(i)*time.Hour)); err != nil {
			c.Fatal(err)
		}
	}
	ctx := context.Background()
	must := func(err error) {
		c.Helper()
		if err != nil {
			c.Fatal(err)
		}
	}
	must(c.store.CancelRegistration(ctx, e, c.registration(e, "p4"), start.Add(6*time.Hour)))
	must(c.store.SetAddressStatus(ctx, e, c.registration(e, "p1"), deltag.AddressBounced, start))
	must(c.store.NoteAttended(ctx, e, c.registration(e, "p0"), true, start))
	return e
}

func (c *client) registration(e deltag.Event, name string) deltag.Registration {
	c.Helper()
	_, r, err := c.store.EventAndRegistration(context.Background(), e.ID, deltag.RegistrationID(e, addressOf(name)))
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// names are the first cells of the table.
func (r response) names() string {
	var names []string
	for _, node := range r.doc.Find("tbody th").EachIter() {
		names = append(names, strings.TrimSpace(node.Text()))
	}
	return strings.Join(names, ", ")
}

func TestAttendeesPage(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	path := eventPath(e.ID) + "/attendees"
	for query, want := range map[string]string{
		"":                                     "Zenia Holm, Aage Dahl, Bo Lund, Åse Ærø, Søren Ørsted",
		"sort=name":                            "Bo Lund, Søren Ørsted, Zenia Holm, Aage Dahl, Åse Ærø",
		"sort=-name":                           "Åse Ærø, Aage Dahl, Zenia Holm, Søren Ørsted, Bo Lund",
		"sort=registeredAt":                    "Søren Ørsted, Åse Ærø, Bo Lund, Aage Dahl, Zenia Holm",
		"sort=organisation":                    "Zenia Holm, Aage Dahl, Åse Ærø, Søren Ørsted, Bo Lund",
		"q=Soren":                              "Søren Ørsted",
		"q=soeren":                             "Søren Ørsted",
		"q=aarhus":                             "Søren Ørsted",
		"q=KOMMUNE+åse":                        "Åse Ærø",
		"q=p3@example":                         "Aage Dahl",
		"status=cancelled":                     "Zenia Holm",
		"status=cancelled&not=status":          "Aage Dahl, Bo Lund, Åse Ærø, Søren Ørsted",
		"status=waiting":                       "Aage Dahl",
		"mail=bounced":                         "Åse Ærø",
		"attended=yes":                         "Søren Ørsted",
		"attended=no&status=confirmed":         "Bo Lund, Åse Ærø",
		"updates=no":                           "",
		"answers.hvor=Region":                  "Zenia Holm, Bo Lund",
		"answers.hvor=Region&not=answers.hvor": "Aage Dahl, Åse Ærø, Søren Ørsted",
		"answers.hvor=-":                       "Aage Dahl",
	} {
		t.Run(query, func(t *testing.T) {
			res := c.get(path + "?" + query).want(http.StatusOK)
			if got := res.names(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	c.get(path+"?sort=name").has(`th[aria-sort=ascending] a[href="`+path+`?sort=-name"]`, 1)
	c.get(path+"?q=xyz").says(".empty", "Ingen passer").has(`.empty a[href="`+path+`"]`, 1)
	c.get(path + "?status=gone").want(http.StatusUnprocessableEntity)
	c.get(path + "?attended=perhaps").want(http.StatusUnprocessableEntity)
	c.get(path + "?q=bo&cursor=x").wantLocation(path + "?q=bo")
	c.get(path+"?addresses=yes").says("#addresses", "p2@example.dk; p0@example.dk; p3@example.dk").says("#addresses\\.hint", "2 er ikke med").says(".label", "(3)")
	c.get(path+"?q=%C3%A5se&lang=en").has(`a.switch[href="`+path+`?q=%C3%A5se&lang=da"]`, 1)
}

func TestAttendeeColumns(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	path := eventPath(c.newAttendees().ID) + "/attendees"
	for query, want := range map[string][2]string{
		"":                            {"Navn|Organisation|Mail|Status|Tilmeldt", "Århus Kommune|p0@example.dk|tilmeldt deltog|23. november kl. 10.00"},
		"columns=name":                {"Navn|Mail", "p0@example.dk"},
		"columns=name&columns=gone":   {"Navn|Mail", "p0@example.dk"},
		"columns=role&columns=status": {"Navn|Rolle|Mail|Status", "|p0@example.dk|tilmeldt deltog"},
		"columns=mail&columns=attended&columns=updates": {
			"Navn|Mail|Mailadresse|Deltog|Vil høre om kommende arrangementer", "p0@example.dk|i orden|ja|ja"},
		"columns=answers.hvor&columns=answers.film": {"Navn|Mail|Hvor arbejder du?|Må vi filme?", "p0@example.dk|Kommune|"},
	} {
		t.Run(query, func(t *testing.T) {
			res := c.get(path + "?q=Soren&" + query).want(http.StatusOK)
			if got := res.cells("thead th"); got != want[0] {
				t.Errorf("head %s, want %s", got, want[0])
			}
			if got := res.cells("tbody td:not(.tick)"); got != want[1] {
				t.Errorf("row %s, want %s", got, want[1])
			}
		})
	}
	res := c.get(path + "?columns=name&columns=role")
	res.has("input[name=columns][value=role][checked]", 1).has("input[name=columns][value=status]:not([checked])", 1)
	res.has(`th a[href="`+path+`?columns=name&columns=role&sort=name"]`, 1)
	res.has(`a[href="`+path+`.csv"]`, 1).has(`a[href="`+path+`.xlsx"]`, 1)
	c.get(path+"?columns=role&q=xyz").has(`.empty a[href="`+path+`?columns=role"]`, 1)
}

// cells are the texts of a row.
func (r response) cells(selector string) string {
	var texts []string
	for _, node := range r.doc.Find(selector).EachIter() {
		texts = append(texts, strings.Join(strings.Fields(node.Text()), " "))
	}
	return strings.Join(texts, "|")
}

// TestAttendeePages goes through a list that is longer than a page, all of whose names are the same.
func TestAttendeePages(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newEvent("mange", nil)
	for i := range 120 {
		in := deltag.SignUpRequest{Name: "Mette", Email: addressOf(fmt.Sprint("m", i)), Language: "da"}
		if _, err := c.store.SignUp(context.Background(), e, in, start); err != nil {
			t.Fatal(err)
		}
	}
	seen, pages := map[string]bool{}, 0
	for path := eventPath(e.ID) + "/attendees?sort=name"; path != ""; pages++ {
		res := c.get(path).want(http.StatusOK).says("main", "120 i alt.")
		for _, row := range res.doc.Find("tbody th a").EachIter() {
			href, _ := row.Attr("href")
			seen[href] = true
		}
		if strings.Contains(path, "Mette") {
			t.Errorf("%s names somebody", path)
		}
		path, _ = res.doc.Find("a[rel=next]").Attr("href")
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d people on %d pages", len(seen), pages)
	}
}

func TestAttendeeFiles(t *testing.T) {
	c := newClient(t)
	c.addMember("rie", deltag.RoleReader)
	c.signIn("rie")
	e := c.newAttendees()
	path := eventPath(e.ID) + "/attendees"
	res := c.get(path + ".csv?sort=name&status=confirmed").want(http.StatusOK)
	if got := strings.Count(res.text, "\r\n"); got != 4 || !strings.HasPrefix(res.text, "\ufeffNavn;E-mail;") {
		t.Errorf("%d lines: %s", got, res.text)
	}
	if got := res.Header.Get("Content-Disposition"); got != "attachment; filename=samskabelse.csv" {
		t.Error(got)
	}
	res = c.get(path + ".xlsx?sort=name&status=confirmed").want(http.StatusOK)
	f, err := excelize.OpenReader(bytes.NewReader([]byte(res.text)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows(f.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || rows[1][0] != "Bo Lund" || rows[2][5] != "2026-11-23 10:00:00" || rows[3][2] != "Aabenraa Kommune" {
		t.Errorf("%q", rows)
	}
	var all int
	for n := 1; n <= 3; n++ {
		part := c.get(fmt.Sprintf("%s.csv?part=%d-of-3", path, n)).want(http.StatusOK)
		all += strings.Count(part.text, "\r\n") - 1
	}
	if all != 5 {
		t.Errorf("%d people in all parts", all)
	}
	for _, part := range []string{"x", "0-of-2", "3-of-2", "1-of-99"} {
		c.get(path + ".xlsx?part=" + part).want(http.StatusUnprocessableEntity)
	}
}
