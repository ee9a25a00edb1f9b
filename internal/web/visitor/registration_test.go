package visitor

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

func own(r deltag.Registration) string { return "/r/" + r.Link(deltag.PurposeManage) }

func TestRegistrationPage(t *testing.T) {
	t.Run("ShowsWhatWasTypedInOneVisit", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		a := v.get(own(r)).want(http.StatusOK).says("h1", "Du er tilmeldt")
		a.has(`form[action="` + own(r) + `"] input#name[value="Anna Holm"]`).has(`input#email[value="anna@example.dk"]`)
		a.has(`a[href="/join/` + r.Link(deltag.PurposeJoin) + `"]`).has(`a[href="` + own(r) + `/calendar.ics"]`).has(`a[href="` + own(r) + `/data.json"]`)
		a.has(`form[action="` + own(r) + `/cancel"] button`).hasNot(`form[action$="/rejoin"]`).hasNot(`.trap`)
		if v.store.visits != 1 {
			t.Errorf("%d visits to the store, want 1", v.store.visits)
		}
	})
	t.Run("IsNeitherCachedNorIndexed", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		for _, path := range []string{own(r), own(r) + "/data.json", own(r) + "/calendar.ics", "/join/" + r.Link(deltag.PurposeJoin), "/unsubscribe/" + r.Link(deltag.PurposeUnsubscribe)} {
			h := v.get(path).want(http.StatusOK).Header
			if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("X-Robots-Tag"), "noindex") {
				t.Errorf("%s: headers %v", path, h)
			}
		}
	})
	t.Run("SpeaksTheRegistrationsLanguage", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		r.Language = deltag.LanguageEnglish
		v.store.people[r.ID] = r
		v.get(own(r)).says("h1", "You are signed up").hasNot(`a[href*="lang=en"]`)
		v.get(own(r)+"?lang=da").says("h1", "Du er tilmeldt").has(`a[href$="?lang=da"]`)
	})
	t.Run("WaitingPersonSeesThePlaceInLine", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		v.signedUp(e, "Anna Holm")
		v.signedUp(e, "Bo Lund")
		r := v.signedUp(e, "Carl Dam")
		a := v.get(own(r)).says("h1", "Du står på ventelisten").says(".lead", "Du er nummer 2 i køen.")
		a.says(`form[action$="/cancel"]`, "Forlad ventelisten").hasNot(`a[href^="/join/"]`).hasNot(`a[href$="calendar.ics"]`)
	})
	t.Run("DeadAddressIsSaid", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		r.AddressStatus = deltag.AddressBounced
		v.store.people[r.ID] = r
		v.get(own(r)).says(".alert", "Vores mails til anna@example.dk kommer tilbage.")
	})
	t.Run("NoticesCannotBeMadeUp", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.get(own(r) + "?done=cancelled").want(http.StatusOK).hasNot(".done")
		v.get(own(r) + "?done=<script>").want(http.StatusOK).hasNot(".done")
		v.get(own(r)+"?done=saved").says(".done[role=status]", "Dine ændringer er gemt.")
	})
	t.Run("CancelledEventLeavesNothingToChange", func(t *testing.T) {
		e := webinar()
		e.Status = deltag.EventCancelled
		v := newClient(t, webinar())
		r := v.signedUp(webinar(), "Anna Holm")
		v.store.events[0] = e
		v.get(own(r)).says("h1", "Arrangementet er aflyst").hasNot(`form[action$="/cancel"]`).hasNot("input#name").has(`form[action$="/erase"]`)
		v.post(own(r), "name", "Bo", "email", "anna@example.dk").want(http.StatusConflict).says(".alert", "aflyst")
		v.post(own(r)+"/cancel").want(http.StatusConflict).says(".alert", "aflyst")
		if v.store.writes > 0 {
			t.Error("something was written")
		}
	})
	t.Run("AfterTheEndOneMayStillEraseAndDownload", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		r.AttendedAt = starts
		v.store.people[r.ID] = r
		v.now = starts.Add(2 * time.Hour)
		v.get(own(r)).says("h1", "Arrangementet er slut").says(".lead", "Tak, fordi du var med.").has(`form[action$="/erase"]`).has(`a[href$="data.json"]`)
		v.post(own(r), "name", "Bo", "email", "anna@example.dk").want(http.StatusConflict)
	})
}

func TestChange(t *testing.T) {
	e := webinar()
	fill := []string{"name", "Anna Maria Holm", "email", "anna@example.dk", "organisation", "Ny Kommune", "role", "Chef", "updates", "yes"}
	t.Run("IsStored", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r), fill...).leadsTo(own(r) + "?done=saved")
		got := v.only()
		if got.Name != "Anna Maria Holm" || got.Organisation != "Ny Kommune" || got.Role != "Chef" || !got.Updates {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("FaultsKeepWhatWasTyped", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r), "name", "", "email", "anna@example", "role", "Chef").want(http.StatusUnprocessableEntity).
			says(`.alert a[href="#name"]`, "Skriv dit navn.").has(`input#role[value=Chef]`).has(`input#email[value="anna@example"]`)
		if v.store.writes > 0 {
			t.Error("something was written")
		}
	})
	t.Run("NewAddressMovesTheRegistrationAndEndsTheLink", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r), "name", "Anna Holm", "email", "ny@example.dk").want(http.StatusOK).says("h1", "Din mailadresse er ændret").says("main", "ny@example.dk")
		v.get(own(r)).want(http.StatusNotFound).says("h1", "Linket virker ikke")
	})
	t.Run("AnotherSpellingOfTheAddressIsTheSameAddress", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r), "name", "Anna Holm", "email", "Anna@Example.DK").leadsTo(own(r) + "?done=saved")
	})
	t.Run("OvertakenIsDecidedAnew", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.store.conflicts = maxConflictRetries - 1
		v.post(own(r), fill...).leadsTo(own(r) + "?done=saved")
	})
	t.Run("OvertakenAgainAndAgainAsksToPressAgain", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.store.conflicts = maxConflictRetries
		v.post(own(r), fill...).want(http.StatusServiceUnavailable).has(`form[action="` + own(r) + `"] input[type=hidden][name=name][value="Anna Maria Holm"]`)
	})
	t.Run("WithoutStoreKeepsTheForm", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.store.before = func() { v.store.err = deltag.ErrUnavailable }
		v.post(own(r), fill...).want(http.StatusServiceUnavailable).has(`input#name[value="Anna Maria Holm"]`).says(".alert", "tryk igen")
	})
	t.Run("AnswersToFormerQuestionsAreKept", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		r.Answers = map[string][]string{"kommune": {"A", "B"}, "erfaring": {"Meget, meget"}, "emner": {"Kunst", "Ledelse"}, "optagelse": {"nej"}, "gammel": {"svar"}}
		v.store.people[r.ID] = r
		a := v.get(own(r))
		a.has(`input[id="answers.kommune"][value="A, B"]`).has(`input[type=radio][value="Meget, meget"][checked]`).has(`input[type=checkbox][value="Kunst"][checked]`).has(`input[type=text][id="answers.optagelse"][value=nej]`)
		v.post(own(r), "name", "Anna Holm", "email", "anna@example.dk", "answers.kommune", "A, B", "answers.erfaring", "Meget, meget",
			"answers.emner", "Kunst", "answers.emner", "Ledelse", "answers.optagelse", "nej").want(http.StatusSeeOther)
		want := map[string][]string{"kommune": {"A, B"}, "erfaring": {"Meget, meget"}, "emner": {"Kunst", "Ledelse"}, "optagelse": {"nej"}, "gammel": {"svar"}}
		if diff := cmp.Diff(want, v.only().Answers); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestSeat(t *testing.T) {
	t.Run("IsGivenUpInOnePressAndTakenBackInAnother", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r) + "/cancel").leadsTo(own(r) + "?done=cancelled")
		v.get(own(r)+"?done=cancelled").says("h1", "Du har meldt afbud").has(".done").has(`form[action$="/rejoin"]`).hasNot("input#name")
		v.post(own(r) + "/cancel").leadsTo(own(r) + "?done=cancelled")
		if v.store.writes != 1 {
			t.Errorf("%d writes, want 1: the second press changes nothing", v.store.writes)
		}
		v.post(own(r)+"/rejoin", "language", "en").leadsTo(own(r) + "?done=rejoined&lang=en")
		v.get(own(r)+"?done=rejoined").says("h1", "Du er tilmeldt").says(".done", "Velkommen tilbage")
		v.post(own(r) + "/rejoin").leadsTo(own(r) + "?done=rejoined")
	})
	t.Run("IsGoneWhenOthersTookIt", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r) + "/cancel").want(http.StatusSeeOther)
		v.signedUp(e, "Bo Lund")
		v.post(own(r) + "/rejoin").leadsTo(own(r) + "?done=rejoined")
		v.get(own(r)+"?done=rejoined").says("h1", "Du står på ventelisten").says(".done", "Alle pladser er optaget lige nu")
	})
	t.Run("CannotBeTakenBackWhenFullWithoutWaitingList", func(t *testing.T) {
		e := limited(webinar(), 1, false)
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r) + "/cancel").want(http.StatusSeeOther)
		v.signedUp(e, "Bo Lund")
		v.post(own(r)+"/rejoin").want(http.StatusConflict).says(".alert", "der er ingen venteliste")
	})
	t.Run("CannotBeTakenBackOnceSignUpIsClosed", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r) + "/cancel").want(http.StatusSeeOther)
		v.store.events[0].Status = deltag.EventClosed
		v.get(own(r)).hasNot(`form[action$="/rejoin"]`)
		v.post(own(r)+"/rejoin").want(http.StatusConflict).says(".alert", "Tilmeldingen er lukket")
	})
}

func TestErase(t *testing.T) {
	e := webinar()
	t.Run("NeedsTheTick", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r) + "/erase").want(http.StatusUnprocessableEntity).has("details[open]").has(`input#confirm[aria-invalid=true][aria-describedby="confirm.fault"]`)
		v.only()
	})
	t.Run("ShowsAReceiptAndEndsEveryLink", func(t *testing.T) {
		v := newClient(t, e)
		r := v.signedUp(e, "Anna Holm")
		v.post(own(r)+"/erase", "confirm", "yes").want(http.StatusOK).says("h1", "Dine data er slettet").says("main", "blev slettet tirsdag den 24. november 2026 kl. 14.00")
		if len(v.store.people) > 0 {
			t.Error("still stored")
		}
		for _, path := range []string{own(r), "/join/" + r.Link(deltag.PurposeJoin), "/unsubscribe/" + r.Link(deltag.PurposeUnsubscribe)} {
			v.get(path).want(http.StatusNotFound).says("h1", "Linket virker ikke")
		}
	})
}

func TestExportData(t *testing.T) {
	e := webinar()
	e.Questions = questions()[:1]
	v := newClient(t, e)
	r := v.signedUp(e, "Anna Holm")
	r.Answers = map[string][]string{"kommune": {"Æblerød"}, "gammel": {"svar"}}
	r.PreviousIDs = []string{"oldoldoldoldoldoldol"}
	v.store.people[r.ID] = r
	mail := deltag.NewDelivery(r, deltag.KindConfirmation, 1, before).Claim(before).MarkSent("ses-1", before)
	former := mail
	former.RegistrationID, former.Email.Original = r.PreviousIDs[0], "ana@example.dk"
	v.store.deliveries[r.ID] = []deltag.Delivery{mail}
	v.store.deliveries[r.PreviousIDs[0]] = []deltag.Delivery{former}

	a := v.get(own(r) + "/data.json").want(http.StatusOK)
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="deltag-samskabelse.json"` {
		t.Errorf("Content-Disposition %q", got)
	}
	var got struct {
		Event        struct{ Title string }
		Registration struct {
			Name, Email, Organisation, Status string
			Answers                           []struct {
				ID, Question string
				Answer       []string
			}
			AttendedAt *string
		}
		Mails []struct {
			Email, Kind, Status, MessageID string
			History                        []struct{ Status string }
		}
		ErasedAt time.Time
	}
	if err := json.Unmarshal([]byte(a.text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Registration.Name != "Anna Holm" || got.Registration.Status != "confirmed" || got.Registration.AttendedAt != nil || got.Event.Title != e.Title || !got.ErasedAt.Equal(e.RetentionEndsAt()) {
		t.Errorf("data: %+v", got)
	}
	if n := len(got.Registration.Answers); n != 2 || got.Registration.Answers[0].Question == "" || got.Registration.Answers[1].ID != "gammel" {
		t.Errorf("answers: %+v", got.Registration.Answers)
	}
	if len(got.Mails) != 2 || got.Mails[0].Kind != "confirmation" || got.Mails[0].MessageID != "ses-1" || len(got.Mails[0].History) != 2 || got.Mails[1].Email != "ana@example.dk" {
		t.Errorf("mails: %+v", got.Mails)
	}
	if secret := base64.StdEncoding.EncodeToString(r.Secret); strings.Contains(a.text, secret) {
		t.Error("the link secret is in it")
	}
}

func TestRegistrationCalendar(t *testing.T) {
	e := limited(webinar(), 1, true)
	v := newClient(t, e)
	r := v.signedUp(e, "Anna Holm")
	a := v.get(own(r) + "/calendar.ics").want(http.StatusOK)
	if a.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.Contains(a.text, "UID:"+r.ID) {
		t.Errorf("%v\n%s", a.Header, a.text)
	}
	waiting := v.signedUp(e, "Bo Lund")
	v.get(own(waiting) + "/calendar.ics").leadsTo(own(waiting))
}

func TestTokens(t *testing.T) {
	e, other := webinar(), webinar()
	other.ID, other.Slug, other.Title, other.Secret = "bbbbbbbbbbbbbbbbbbbb", "andet", "Et andet møde", []byte("fedcba9876543210")
	v := newClient(t, e, other)
	r, stranger := v.signedUp(e, "Anna Holm"), v.signedUp(other, "Bo Lund")
	good := r.Link(deltag.PurposeManage)
	swapped := deltag.Link{EventID: other.ID, RegistrationID: r.ID, Purpose: deltag.PurposeManage}
	gone := deltag.Link{EventID: e.ID, RegistrationID: "zzzzzzzzzzzzzzzzzzzz", Purpose: deltag.PurposeManage}
	forged := deltag.Link{EventID: e.ID, RegistrationID: r.ID, Purpose: deltag.PurposeManage}
	tokens := map[string]string{
		"OfAnotherPurpose": r.Link(deltag.PurposeJoin),
		"OfAnotherEvent":   swapped.Token(r.Secret),
		"OfNobody":         gone.Token(make([]byte, 16)),
		"OfNobodyNoSecret": gone.Token(nil),
		"WithOthersSecret": forged.Token(stranger.Secret),
		"Truncated":        good[:len(good)-1],
		"Extended":         good + "A",
		"Garbage":          "hello",
		"WithSpace":        "%20",
		"VeryLong":         strings.Repeat("A", 5000),
	}
	page := v.get("/r/hello").want(http.StatusNotFound).text
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			for _, request := range []struct{ method, path string }{
				{"GET", ""}, {"POST", ""}, {"POST", "/cancel"}, {"POST", "/rejoin"}, {"POST", "/erase"}, {"GET", "/calendar.ics"}, {"GET", "/data.json"},
			} {
				a := v.send(request.method, "/r/"+token+request.path, "", "")
				if a.StatusCode != http.StatusNotFound || a.text != page {
					t.Errorf("%s /r/…%s: status %d, or the page differs from the others'", request.method, request.path, a.StatusCode)
				}
			}
		})
	}
	for path, purposes := range map[string][]deltag.Purpose{"/join/": {deltag.PurposeManage, deltag.PurposeUnsubscribe}, "/unsubscribe/": {deltag.PurposeManage, deltag.PurposeJoin}} {
		for _, purpose := range purposes {
			v.get(path + r.Link(purpose)).want(http.StatusNotFound)
			v.post(path + r.Link(purpose)).want(http.StatusNotFound)
		}
	}
	if v.store.writes > 0 {
		t.Errorf("%d writes", v.store.writes)
	}
}

func TestLostLink(t *testing.T) {
	t.Run("BrokenLinkOffersANewOne", func(t *testing.T) {
		v := newClient(t, webinar())
		v.get("/r/hello").want(http.StatusNotFound).has(`form[action="/e/samskabelse/link"] input#email[type=email]`)
	})
	t.Run("OfSeveralEventsOneIsChosen", func(t *testing.T) {
		other := webinar()
		other.ID, other.Slug = "bbbbbbbbbbbbbbbbbbbb", "andet"
		newClient(t, webinar(), other).get("/r/hello?lang=en").has(`a[href="/e/andet/link?lang=en"]`).has(`a[href="/e/samskabelse/link?lang=en"]`).hasNot("form")
	})
	t.Run("AnswerIsTheSameForKnownAndUnknownAddresses", func(t *testing.T) {
		v := newClient(t, webinar())
		v.signedUp(webinar(), "Anna Holm")
		known, unknown := v.post("/e/samskabelse/link", "email", "Anna@example.dk"), v.post("/e/samskabelse/link", "email", "bo@example.dk")
		known.leadsTo("/e/samskabelse/link?sent=yes")
		if diff := cmp.Diff(known.Header, unknown.Header); diff != "" || known.text != unknown.text {
			t.Errorf("told apart:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"anna@example.dk"}, v.store.links); diff != "" {
			t.Errorf("links sent (-want +got):\n%s", diff)
		}
		v.get("/e/samskabelse/link?sent=yes").says("h1", "Kig i din indbakke").says(".done", "Hvis adressen er tilmeldt")
	})
	t.Run("FaultIsNamed", func(t *testing.T) {
		newClient(t, webinar()).post("/e/samskabelse/link", "email", "anna").want(http.StatusUnprocessableEntity).
			says(`.alert a[href="#email"]`, "Der mangler et @").has(`input#email[value=anna]`)
	})
	t.Run("WithoutStoreKeepsTheAddress", func(t *testing.T) {
		v := newClient(t, webinar())
		v.store.err = deltag.ErrUnavailable
		v.post("/e/samskabelse/link", "email", "anna@example.dk").want(http.StatusServiceUnavailable).has(`input[name=email][value="anna@example.dk"]`)
		v.get("/r/hello").want(http.StatusNotFound)
	})
}
