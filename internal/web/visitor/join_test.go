package visitor

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
)

func door(r deltag.Registration) string { return "/join/" + r.Link(deltag.PurposeJoin) }

func TestJoin(t *testing.T) {
	e := webinar()
	arrive := func(t *testing.T, at time.Time) (*client, deltag.Registration) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.now = at
		return v, r
	}
	t.Run("BeforeItOpensThereIsACountdownAndNoMeetingLink", func(t *testing.T) {
		v, r := arrive(t, starts.Add(-2*time.Hour-deltag.JoinLeadTime))
		for _, a := range []response{v.get(door(r)), v.post(door(r))} {
			a.want(http.StatusOK).says("h1", "Døren åbner kl. 13.45").says(".lead", "Der er 2 timer til.").hasNot("form")
			a.has(`#clock[data-left="7200000"][aria-hidden=true][hidden]`).has(`a#reload[href="` + door(r) + `"]`)
			wantPolicy(t, a, "form-action 'self';")
			if strings.Contains(a.text+a.Header.Get("Content-Security-Policy"), "meet.example.org") {
				t.Error("the meeting is given away")
			}
		}
		if v.store.writes > 0 {
			t.Error("an early press was counted")
		}
	})
	t.Run("OpensExactlyFifteenMinutesBefore", func(t *testing.T) {
		v, r := arrive(t, starts.Add(-15*time.Minute-time.Millisecond))
		v.get(door(r)).hasNot("form")
		v.now = starts.Add(-15 * time.Minute)
		v.get(door(r)).has("form[method=post] button")
	})
	t.Run("PressCountsAndLeadsOn", func(t *testing.T) {
		v, r := arrive(t, starts.Add(-10*time.Minute))
		a := v.get(door(r)).want(http.StatusOK).says("button", "Gå til mødet").says(".note", "meet.example.org")
		wantPolicy(t, a, "form-action 'self' https:")
		if !v.only().AttendedAt.IsZero() {
			t.Error("opening the page was counted")
		}
		v.post(door(r)).leadsTo("https://meet.example.org/j/4711")
		v.now = starts
		v.post(door(r)).leadsTo("https://meet.example.org/j/4711")
		if got, want := v.only().AttendedAt, starts.Add(-10*time.Minute); !got.Equal(want) {
			t.Errorf("attended at %v, want the first press at %v", got, want)
		}
	})
	t.Run("StoreThatCannotCountStillLetsIn", func(t *testing.T) {
		v, r := arrive(t, starts)
		v.store.before = func() { v.store.err = deltag.ErrUnavailable }
		v.post(door(r)).leadsTo("https://meet.example.org/j/4711")
		if !strings.Contains(v.log.String(), "attendance was not noted") {
			t.Errorf("log: %s", v.log.String())
		}
	})
	t.Run("MissingMeetingLinkIsSaid", func(t *testing.T) {
		v, r := arrive(t, starts)
		v.store.events[0].JoinURL = ""
		v.get(door(r)).says("h1", "Linket er på vej").hasNot("form")
		v.post(door(r)).want(http.StatusOK).says("h1", "Linket er på vej")
		if v.store.writes > 0 {
			t.Error("attendance was counted without a meeting")
		}
	})
	for name, tt := range map[string]struct {
		change func(*memory, deltag.Registration)
		at     time.Time
		says   string
	}{
		"AfterTheEnd": {func(*memory, deltag.Registration) {}, starts.Add(time.Hour), "Arrangementet er slut"},
		"Cancelled":   {func(m *memory, _ deltag.Registration) { m.events[0].Status = deltag.EventCancelled }, starts, "Arrangementet er aflyst"},
		"Waiting":     {func(m *memory, r deltag.Registration) { r.Status = deltag.RegistrationWaitlisted; m.people[r.ID] = r }, starts, "Du står på ventelisten"},
		"Withdrawn":   {func(m *memory, r deltag.Registration) { r.Status = deltag.RegistrationCancelled; m.people[r.ID] = r }, starts, "Du har meldt afbud"},
	} {
		t.Run(name+"NobodyIsLetIn", func(t *testing.T) {
			v, r := arrive(t, tt.at)
			tt.change(v.store, r)
			for _, a := range []response{v.get(door(r)), v.post(door(r))} {
				a.want(http.StatusOK).says("h1", tt.says).hasNot("form")
			}
			if v.store.writes > 0 {
				t.Error("attendance was counted")
			}
		})
	}
}

func TestUnsubscribe(t *testing.T) {
	e := webinar()
	path := func(r deltag.Registration) string { return "/unsubscribe/" + r.Link(deltag.PurposeUnsubscribe) }
	t.Run("AsksOnGetAndActsOnPost", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.get(path(r)).want(http.StatusOK).says("h1", "Vil du undgå påmindelser?").has("form[method=post] button").says(".note", "Din plads beholder du.")
		if v.only().AddressStatus != deltag.AddressOK {
			t.Fatal("GET acted")
		}
		v.post(path(r)+"?lang=en").want(http.StatusOK).says("h1", "You will get no reminders")
		if got := v.only(); got.AddressStatus != deltag.AddressUnsubscribed || got.Status != deltag.RegistrationConfirmed {
			t.Errorf("mail %q, status %q", got.AddressStatus, got.Status)
		}
		v.get(path(r)).says("h1", "Du får ingen påmindelser").hasNot("form")
		v.post(path(r)).want(http.StatusOK)
	})
	for name, tt := range map[string]struct{ contentType, body string }{
		"Multipart":  {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"},
		"URLEncoded": {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
	} {
		t.Run("OneClick"+name, func(t *testing.T) {
			v := newClient(t, e)
			r := v.signedUp(e, "Anna Holm")
			v.send("POST", path(r), tt.contentType, tt.body).want(http.StatusOK)
			if got := v.only().AddressStatus; got != deltag.AddressUnsubscribed {
				t.Errorf("mail %q, want unsubscribed", got)
			}
		})
	}
}
