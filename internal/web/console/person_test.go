package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// newPerson stores everything that there can be of ida@example.dk.
func (c *client) newPerson() (confirmed deltag.Event) {
	c.Helper()
	ctx := context.Background()
	must := func(err error) {
		c.Helper()
		if err != nil {
			c.Fatal(err)
		}
	}
	e := c.newEvent("foerste", func(e *deltag.Event) {
		e.Questions = []deltag.Question{{ID: "hvor", Kind: deltag.QuestionShortText, Label: "Hvor arbejder du?"}}
	})
	in := deltag.SignUpRequest{
		Name: "Ida Holm", Email: addressOf("ida"), Language: "da", Organisation: "Eksempel Kommune", JobTitle: "Leder",
		Answers: map[string][]string{"hvor": {"Odder"}},
	}
	_, err := c.store.SignUp(ctx, e, in, start)
	must(err)
	r := c.registration(e, "ida")
	mails, err := c.store.DeliveriesOf(ctx, e.ID, r.ID)
	must(err)
	claimed := mails[0].Claim(start)
	must(c.store.Claim(ctx, claimed, r))
	must(c.store.SaveDelivery(ctx, claimed.MarkSent("ses-1", start)))
	in.Email = addressOf("ida.ny")
	must(c.store.UpdateByAttendee(ctx, e, r, in, start))

	moved := c.newEvent("flyttet", nil)
	in.Email = addressOf("anden")
	must(c.store.UpdateByOrganiser(ctx, moved, c.signUp(moved, "ida"), in, start))
	erased := c.newEvent("slettet", nil)
	must(c.store.Erase(ctx, erased, c.signUp(erased, "ida"), start.Add(time.Hour)))
	must(c.store.CountFeedback(ctx, claimed, deltag.FeedbackCounts{Delivered: 1}, start))
	c.newEvent("kontakt", func(e *deltag.Event) { e.Organiser.Email = "ida@example.dk" })
	must(c.store.Suppress(ctx, e, addressOf("ida"), c.registration(e, "ida"), deltag.AddressBounced, start.Add(time.Hour)))
	c.addMember("ida", deltag.RoleReader)
	return e
}

// addPeoplePages adds the page that finds a person, in every state.
func addPeoplePages(
	pages map[string]func(string) response, owner func(func(*client, string) response) func(string) response,
) {
	ask := func(begin func(c *client), form ...string) func(string) response {
		return owner(func(c *client, q string) response {
			begin(c)
			return c.post("/organiser/people"+q, append([]string{"email", "ida@example.dk"}, form...)...)
		})
	}
	none := func(*client) {}
	everything := func(c *client) { c.newPerson() }
	pages["people"] = owner(func(c *client, q string) response { return c.get("/organiser/people" + q) })
	pages["people-faulty"] = owner(func(c *client, q string) response {
		return c.post("/organiser/people"+q, "email", "ida@@example.dk")
	})
	pages["people-nothing"] = ask(none)
	pages["people-found"] = ask(everything)
	pages["people-complained"] = ask(func(c *client) {
		e := c.newEvent("en", nil)
		r := c.signUp(e, "ida")
		err := c.store.Suppress(context.Background(), e, r.Email, r, deltag.AddressComplained, start)
		if err != nil {
			c.Fatal(err)
		}
	})
	pages["people-unreadable"] = ask(func(c *client) {
		c.newPerson()
		c.site.Organiser.Store = unreadableStore{c.site.Organiser.Store}
	})
	pages["people-confirm"] = ask(everything, "step", "erase")
	pages["people-confirm-one"] = ask(func(c *client) { c.signUp(c.newEvent("en", nil), "ida") }, "step", "erase")
	pages["people-erased"] = ask(everything, "step", "erase", "confirm", "yes")
	pages["people-erased-none"] = ask(none, "step", "erase", "confirm", "yes")
	pages["people-partly"] = ask(func(c *client) {
		c.newPerson()
		c.site.Organiser.Store = unreadableStore{c.site.Organiser.Store}
	}, "step", "erase", "confirm", "yes")
}

// An unreadableStore holds something that can't be read, and erases nothing but the mails of those who are gone.
type unreadableStore struct{ organiser.Store }

func (s unreadableStore) PersonTraces(ctx context.Context, a deltag.Address) ([]deltag.PersonTrace, error) {
	traces, err := s.Store.PersonTraces(ctx, a)
	if err == nil {
		err = deltag.UnreadableError{errors.New("no list")}
	}
	return traces, err
}

func (unreadableStore) Erase(context.Context, deltag.Event, deltag.Registration, time.Time) error {
	return deltag.ErrUnavailable
}

// ask posts the form of a person.
func (c *client) ask(form ...string) response {
	c.Helper()
	return c.post("/organiser/people", append([]string{"email", "Ida@example.dk"}, form...)...)
}

func TestPerson(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	c.ask().want(http.StatusOK).says("main", "ikke gemt noget").has("main form", 1)
	e := c.newPerson()
	found := c.ask().want(http.StatusOK).has("section.at-event", 3).has(`.menu a[href="/organiser/people"][aria-current]`, 1).
		has(`a[href="`+attendeePath(e.ID, c.registration(e, "ida").ID)+`"]`, 1).has(`input[name=email][value="Ida@example.dk"]`, 4)
	for _, text := range []string{
		"Ida Holm", "Eksempel Kommune", "Leder", "Odder", "ida.ny@example.dk", "kom retur mandag den 23. november 2026",
		"kontakt ved 1", "rollen Læser", "slettet mandag den 23. november 2026 kl. 11.00",
	} {
		found.says("main", text)
	}
	if url := found.Header.Get("Location"); url != "" || strings.Contains(found.text, "email=") {
		t.Error("the address is in a URL")
	}
	t.Run("ReadersLookAndDoNotErase", func(t *testing.T) {
		c := newClientOf(t, c.store, "https://deltag.example.dk")
		c.addMember("rie", deltag.RoleReader)
		c.signIn("rie")
		c.ask().want(http.StatusOK).has("section.at-event", 3).has("button[value=erase]", 0)
		c.ask("step", "export").want(http.StatusOK)
		for _, form := range [][]string{{"step", "erase"}, {"step", "erase", "confirm", "yes"}, {"confirm", "yes"}} {
			c.ask(form...).want(http.StatusForbidden)
		}
		if _, _, err := c.store.EventAndRegistration(context.Background(), e.ID, c.registration(e, "ida").ID); err != nil {
			t.Error(err)
		}
	})
}

func TestPersonFile(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	c.newPerson()
	res := c.ask("step", "export").want(http.StatusOK)
	if got := res.Header.Get("Content-Disposition"); got != `attachment; filename=deltag-person.json` {
		t.Error(got)
	}
	var file struct {
		EmailComparedAs string
		Events          []struct {
			Event        struct{ Title string }
			Registration *struct {
				Name               string
				Answers            []struct{ Question string }
				ChangeOnceVerified struct{ Email string }
			}
			Mails []struct{ Kind, Email, Status string }
		}
		ContactOf []struct{ Title string }
		Erasures  []struct{ ErasedAt time.Time }
		Address   struct {
			Mail                   string
			ReceivedMailKnownUntil time.Time
			MailsOfDay             map[string]int
		}
		Member struct {
			Role  string
			Mails []struct{ Kind string }
		}
		NotInThisFile string
	}
	if err := json.Unmarshal([]byte(res.text), &file); err != nil {
		t.Fatal(err)
	}
	first := file.Events[0]
	switch {
	case file.EmailComparedAs != "ida@example.dk", len(file.Events) != 3, len(file.ContactOf) != 1,
		first.Registration == nil || first.Registration.Name != "Ida Holm" ||
			first.Registration.Answers[0].Question != "Hvor arbejder du?" ||
			first.Registration.ChangeOnceVerified.Email != "ida.ny@example.dk",
		len(first.Mails) != 2, file.Events[1].Registration != nil, file.Events[2].Mails[0].Kind != "erased",
		len(file.Erasures) != 1 || !file.Erasures[0].ErasedAt.Equal(start.Add(time.Hour)),
		file.Address.Mail != "bounced", file.Address.MailsOfDay["2026-11-23"] != 1,
		!file.Address.ReceivedMailKnownUntil.Equal(start.AddDate(0, 0, 180)),
		!strings.HasPrefix(file.NotInThisFile, "Historikken gemmer i et år"),
		file.Member.Role != "reader", file.Member.Mails[0].Kind != "member-invited":
		t.Errorf("%s", res.text)
	}
	if strings.Contains(strings.ToLower(res.text), "secret") {
		t.Error("there are keys in the file")
	}
	c.site.Organiser.Store = unreadableStore{c.site.Organiser.Store}
	c.ask("step", "export").want(http.StatusInternalServerError) // rather than a part of it
}

func TestErasePerson(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newPerson()
	id := c.registration(e, "ida").ID
	asked := c.ask("step", "erase").want(http.StatusOK).says("main", "ved 2 arrangementer").
		has(`form[action$="/people"] input[name=confirm][value=yes]`, 1)
	if _, _, err := c.store.EventAndRegistration(context.Background(), e.ID, id); err != nil {
		t.Fatal("erased before it was confirmed", err)
	}
	form := asked.fields("/people")
	c.postForm("/organiser/people", form).want(http.StatusOK).has(".rows li", 2).says("h1", "Det er slettet").
		says(".rows li:first-child", "Tilmeldingen er slettet. Slettede mails: 2").has("button[value=receipt]", 1)
	c.postForm("/organiser/people", form).want(http.StatusOK).says("main", "ikke noget at slette") // again
	// The receipts that wait, and what stays.
	c.ask().has("section.at-event", 2).has("button[value=erase]", 0).says("main", "kom retur").says("main", "rollen Læser")

	receipt := c.ask("step", "receipt").want(http.StatusOK)
	for _, want := range []string{
		"Samskabelse foerste, tirsdag den 1. december 2026: slettet mandag den 23. november 2026 kl. 10.00\r\n",
		"Samskabelse slettet, tirsdag den 1. december 2026: slettet mandag den 23. november 2026 kl. 11.00\r\n",
		"Slettede tilmeldinger: 2",
	} {
		if !strings.Contains(strings.ReplaceAll(receipt.text, "\u00a0", " "), want) {
			t.Errorf("the receipt lacks %q:\n%s", want, receipt.text)
		}
	}
	if text := strings.ToLower(receipt.text); strings.Contains(text, "ida") || strings.Contains(text, "@") {
		t.Errorf("the receipt names a person:\n%s", receipt.text)
	}
}

// TestErasePersonGoesOn: what one event refuses stops no other, is told, and is erased by the next press.
func TestErasePersonGoesOn(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newPerson()
	whole := c.site.Organiser.Store
	c.site.Organiser.Store = unreadableStore{whole}
	c.ask("step", "erase", "confirm", "yes").want(http.StatusServiceUnavailable).
		says("h1", "ikke slettet endnu").says(".rows li:first-child", "Ikke slettet endnu").
		says(".rows li:nth-child(2)", "Slettede mails: 1").has(".alert input[name=confirm][value=yes]", 1)
	c.site.Organiser.Store = whole
	c.ask("step", "erase", "confirm", "yes").want(http.StatusOK).has(".rows li", 1).says("h1", "Det er slettet")
	id := deltag.RegistrationID(e, addressOf("ida"))
	if _, _, err := c.store.EventAndRegistration(context.Background(), e.ID, id); err == nil {
		t.Error("still there")
	}
}
