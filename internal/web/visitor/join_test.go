package visitor

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
)

func TestJoin(t *testing.T) {
	e := webinar()
	arrive := func(t *testing.T, at time.Time) (*client, deltag.Registration) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.now = at
		return v, r
	}
	t.Run("BeforeItOpensThereIsACountdownAndNoMeetingLink", func(t *testing.T) {
		v, r := arrive(t, starts.Add(-2*time.Hour-deltag.JoinLeadTime))
		var pages []response
		v.wantUnchanged(func() { pages = []response{v.get(joinPath(r)), v.post(joinPath(r))} })
		for _, a := range pages {
			a.want(http.StatusOK).hasText("h1", "Døren åbner kl. 13.45").hasText(".lead", "Døren åbner om 2 timer.").
				hasNot("form")
			a.has(`[aria-hidden=true] > #clock[data-left="7200000"][hidden]`).
				has(`a#reload[href="` + joinPath(r) + `"]`)
			wantContentSecurityPolicy(t, a, "form-action 'self';")
			if strings.Contains(a.text+a.Header.Get("Content-Security-Policy"), "meet.example.org") {
				t.Error("the meeting's address is shown")
			}
		}
	})
	t.Run("OpensExactlyFifteenMinutesBefore", func(t *testing.T) {
		v, r := arrive(t, starts.Add(-15*time.Minute-time.Millisecond))
		v.get(joinPath(r)).hasNot("form")
		v.now = starts.Add(-15 * time.Minute)
		v.get(joinPath(r)).has("form[method=post] button")
	})
	t.Run("PressCountsAndRedirectsToTheMeeting", func(t *testing.T) {
		v, r := arrive(t, starts.Add(-10*time.Minute))
		a := v.get(joinPath(r)).want(http.StatusOK).hasText("button", "Gå til mødet").has(`main a[href^="mailto:"]`).
			hasText(".note", "meet.example.org")
		wantContentSecurityPolicy(t, a, "form-action 'self' https:")
		if !v.only().AttendedAt.IsZero() {
			t.Error("opening the page was counted")
		}
		v.post(joinPath(r)).redirectsTo("https://meet.example.org/j/4711")
		v.now = starts
		v.post(joinPath(r)).redirectsTo("https://meet.example.org/j/4711")
		if got, want := v.only().AttendedAt, starts.Add(-10*time.Minute); !got.Equal(want) {
			t.Errorf("attended at %v, want the first press at %v", got, want)
		}
	})
	t.Run("StoreOutOfReachKeepsNobodyOut", func(t *testing.T) {
		v, r := arrive(t, starts)
		v.store.onWrite = always(deltag.ErrUnavailable)
		v.post(joinPath(r)).redirectsTo("https://meet.example.org/j/4711")
		if !strings.Contains(v.log.String(), "attendance was not noted") {
			t.Errorf("log: %s", v.log.String())
		}
	})
	t.Run("MissingMeetingLinkIsSaid", func(t *testing.T) {
		v, r := arrive(t, starts)
		v.editEvent(e, func(e *deltag.Event) { e.JoinURL = "" })
		v.wantUnchanged(func() {
			v.get(joinPath(r)).hasText("h1", "Linket er på vej").hasNot("form")
			v.post(joinPath(r)).want(http.StatusOK).hasText("h1", "Linket er på vej")
		})
	})
	for name, tt := range map[string]struct {
		change  func(*client, deltag.Registration)
		at      time.Time
		heading string
	}{
		"AfterTheEnd": {func(*client, deltag.Registration) {}, starts.Add(time.Hour), "Arrangementet er slut"},
		"EventCancelled": {func(v *client, _ deltag.Registration) {
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventCancelled })
		}, starts, "Arrangementet er aflyst"},
		"Cancelled": {func(v *client, r deltag.Registration) {
			v.must(v.store.CancelRegistration(v.Context(), e, r, before))
		}, starts, "Du har meldt afbud"},
	} {
		t.Run(name+"NobodyIsLetIn", func(t *testing.T) {
			v, r := arrive(t, tt.at)
			tt.change(v, r)
			v.wantUnchanged(func() { v.wantNotLetIn(r, tt.heading) })
		})
	}
	t.Run("WaitingNobodyIsLetIn", func(t *testing.T) {
		e := limited(e, 1, true)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		r := v.addRegistration(e, "Bo Lund")
		v.now = starts
		v.wantUnchanged(func() { v.wantNotLetIn(r, "Du står på ventelisten") })
	})
}

func (v *client) wantNotLetIn(r deltag.Registration, heading string) {
	v.Helper()
	for _, a := range []response{v.get(joinPath(r)), v.post(joinPath(r))} {
		a.want(http.StatusOK).hasText("h1", heading).hasNot("form").hasNot(`main a[href^="mailto:"]`) // there is no way in
	}
}

func TestUnsubscribe(t *testing.T) {
	e := webinar()

	t.Run("AsksOnGetAndActsOnPost", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.get(unsubscribePath(r)).want(http.StatusOK).hasText("h1", "Vil du undgå påmindelser?").
			has("form[method=post] button").hasText(".note", "Din plads beholder du.")
		if v.only().AddressStatus != deltag.AddressOK {
			t.Fatal("GET acted")
		}
		v.post(unsubscribePath(r)+"?lang=en").want(http.StatusOK).hasText("h1", "You will get no reminders")
		if got := v.only(); got.AddressStatus != deltag.AddressUnsubscribed ||
			got.Status != deltag.RegistrationConfirmed {
			t.Errorf("mail %q, status %q", got.AddressStatus, got.Status)
		}
		v.get(unsubscribePath(r)).hasText("h1", "Du får ingen påmindelser").hasNot("form")
		v.post(unsubscribePath(r)).want(http.StatusOK)
	})
	for name, tt := range map[string]struct{ contentType, body string }{
		"Multipart": {"multipart/form-data; boundary=x",
			"--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"},
		"URLEncoded": {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
	} {
		t.Run("OneClick"+name, func(t *testing.T) {
			v := newClient(t, e)
			r := v.addRegistration(e, "Anna Holm")
			v.send("POST", unsubscribePath(r), tt.contentType, tt.body).want(http.StatusOK)
			if got := v.only().AddressStatus; got != deltag.AddressUnsubscribed {
				t.Errorf("mail %q, want unsubscribed", got)
			}
		})
	}
}
