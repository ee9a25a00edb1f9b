package visitor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

func TestRegistrationPage(t *testing.T) {
	t.Run("ShowsWhatWasTypedInOneRequest", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.store.engine.Transport.Reset()
		a := v.get(managePath(r)).want(http.StatusOK).hasText("h1", "Du er tilmeldt")
		if n := v.store.engine.Transport.Count(); n != 1 {
			t.Errorf("%d requests to DynamoDB, want 1", n)
		}
		a.has(`form[action="` + managePath(r) + `"] input#name[value="Anna Holm"]`).
			has(`input#email[value="anna@example.dk"]`)
		a.has(`a[href="/join/` + r.LinkToken(deltag.PurposeJoin) + `"]`).
			has(`a[href="` + managePath(r) + `/calendar.ics"]`).has(`a[href="` + managePath(r) + `/data.json"]`)
		a.has(`form[action="` + managePath(r) + `/cancel"] button`).hasNot(`form[action$="/rejoin"]`).hasNot(`.trap`)
	})
	t.Run("IsNeitherCachedNorIndexed", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		for _, path := range []string{managePath(r), managePath(r) + "/data.json", managePath(r) + "/calendar.ics",
			joinPath(r), unsubscribePath(r)} {
			h := v.get(path).want(http.StatusOK).Header
			if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" ||
				!strings.Contains(h.Get("X-Robots-Tag"), "noindex") {
				t.Errorf("%s: headers %v", path, h)
			}
		}
	})
	t.Run("SpeaksTheRegistrationsLanguage", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistrationWith(e, deltag.SignUpRequest{Name: "Anna Holm", Language: deltag.LanguageEnglish})
		v.get(managePath(r)).hasText("h1", "You are signed up").hasNot(`a[href*="lang=en"]`)
		v.get(managePath(r)+"?lang=da").hasText("h1", "Du er tilmeldt").has(`a[href$="?lang=da"]`)
	})
	t.Run("WaitingPersonSeesTheWaitlistPosition", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		v.addRegistration(e, "Bo Lund")
		v.now = v.now.Add(time.Second)
		r := v.addRegistration(e, "Carl Dam")
		a := v.get(managePath(r)).hasText("h1", "Du står på ventelisten").hasText(".lead", "Du er nummer 2 i køen.")
		a.hasText(`form[action$="/cancel"]`, "Forlad ventelisten").hasNot(`a[href^="/join/"]`).
			hasNot(`a[href$="calendar.ics"]`)
	})
	t.Run("DeadAddressIsSaid", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.must(v.store.Suppress(t.Context(), e, r.Email, r, deltag.AddressBounced, before))
		v.get(managePath(r)).hasText(".alert", "Vores mails til anna@example.dk kommer retur.")
	})
	t.Run("WhoLostTheSeatToABounceCorrectsTheAddress", func(t *testing.T) {
		e := webinar()
		seats := 1
		e.Capacity, e.HasSeatCounter = &seats, true
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.must(v.store.Suppress(t.Context(), e, r.Email, r, deltag.AddressBounced, v.now))
		v.now = v.now.Add(deltag.BounceGracePeriod)
		v.must(v.store.GiveBack(t.Context(), e.ID, r.ID, v.now))
		v.get(managePath(r)).hasText("h1", "Din plads er givet fri").hasText(".lead", "anna@example.dk").
			has("input#email").hasNot(`form[action$="/cancel"]`).hasNot(`form[action$="/rejoin"]`)
		v.post(managePath(r), "name", "Anna Holm", "email", "anna.holm@example.dk", "organisation", "Eksempel").
			want(http.StatusOK)
		v.get(managePath(r)).hasText(".hintbox", "anna.holm@example.dk")
		data := strings.ReplaceAll(v.get(managePath(r)+"/data.json").text, " ", "")
		if !strings.Contains(data, `"givenBackAt":"2026-`) {
			t.Errorf("no time in %s", data)
		}
	})
	t.Run("FlashMessagesCannotBeMadeUp", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.get(managePath(r) + "?done=cancelled").want(http.StatusOK).hasNot(".done")
		v.get(managePath(r) + "?done=<script>").want(http.StatusOK).hasNot(".done")
		v.get(managePath(r)+"?done=saved").hasText(".done[role=status]", "Dine ændringer er gemt.")
	})
	t.Run("CancelledEventLeavesNothingToChange", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventCancelled })
		v.get(managePath(r)).hasText("h1", "Arrangementet er aflyst").hasNot(`form[action$="/cancel"]`).
			hasNot("input#name").has(`form[action$="/erase"]`)
		v.wantUnchanged(func() {
			v.post(managePath(r), "name", "Bo", "email", "anna@example.dk").want(http.StatusConflict).
				hasText(".alert", "aflyst")
			v.post(managePath(r)+"/cancel").want(http.StatusConflict).hasText(".alert", "aflyst")
		})
	})
	t.Run("SaysWhetherTheDoorIsOpen", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		for at, want := range map[time.Duration]string{
			-16 * time.Minute: "Vi glæder os til at se dig. Døren åbner kl. 13.45.",
			-15 * time.Minute: "Døren er åben, så du kan gå ind nu.",
			-1:                "Døren er åben, så du kan gå ind nu.",
			0:                 "Vi er i gang, og du kan stadig være med.",
		} {
			v.now = starts.Add(at)
			if got := oneSpaced(v.get(managePath(r)).doc.Find(".lead").Text()); got != want {
				t.Errorf("at %v: %q, want %q", at, got, want)
			}
		}
	})
	t.Run("AfterTheEndNothingIsSaidOfWhatIsToCome", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.must(v.store.Unsubscribe(t.Context(), e, r, before))
		v.get(managePath(r)).hasText(".hintbox", "Du har sagt nej tak").hasText("details p", "Du mister din plads")
		v.now = e.EndsAt
		v.get(managePath(r)).hasNot(".hintbox").hasNot(`details p:contains("plads")`)
	})
	t.Run("AfterTheEndOneMayStillEraseAndDownload", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.must(v.store.MarkAttended(t.Context(), e, r, starts))
		v.now = starts.Add(2 * time.Hour)
		v.get(managePath(r)).hasText("h1", "Arrangementet er slut").hasText(".lead", "Tak, fordi du var med.").
			has(`form[action$="/erase"]`).has(`a[href$="data.json"]`)
		v.post(managePath(r), "name", "Bo", "email", "anna@example.dk").want(http.StatusConflict)
	})
}

func TestChange(t *testing.T) {
	e := webinar()
	fill := []string{
		"name", "Anna Maria Holm", "email", "anna@example.dk",
		"organisation", "Ny Kommune", "role", "Chef", "updates", "yes",
	}
	t.Run("IsStored", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r), fill...).redirectsTo(managePath(r) + "?done=saved")
		got := v.only()
		if got.Name != "Anna Maria Holm" || got.Organisation != "Ny Kommune" || got.JobTitle != "Chef" || !got.AllowsNews {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("ErrorsKeepWhatWasTyped", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.wantUnchanged(func() {
			v.post(managePath(r), "name", "", "email", "anna@example", "role", "Chef").
				want(http.StatusUnprocessableEntity).
				hasText(`.alert a[href="#name"]`, "Skriv dit navn.").has(`input#role[value=Chef]`).
				has(`input#email[value="anna@example"]`)
		})
	})
	t.Run("NewAddressWaitsUntilItIsVerified", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r), "name", "Anna Ny Holm", "email", "ny@example.dk").want(http.StatusOK).
			hasText("h1", "Bekræft din nye adresse").hasText("main", "ny@example.dk")
		v.get(managePath(r)).want(http.StatusOK).hasText(".hintbox", "ny@example.dk").
			has(`input#name[value="Anna Holm"]`).has(`input#email[value="anna@example.dk"]`)
		v.post(managePath(r), "name", "Anna Holm", "email", "anna@example.dk").redirectsTo(managePath(r) + "?done=saved")
		v.get(managePath(r)).hasNot(".hintbox") // it was dropped
	})
	t.Run("AnotherSpellingOfTheAddressIsTheSameAddress", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r), "name", "Anna Holm", "email", "Anna@Example.DK").
			redirectsTo(managePath(r) + "?done=saved")
	})
	t.Run("OvertakenIsDecidedAnew", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.store.onWrite = func() error { // somebody else's change, once
			v.store.onWrite = nil
			return v.store.Store.Unsubscribe(t.Context(), e, r, before)
		}
		v.post(managePath(r), fill...).redirectsTo(managePath(r) + "?done=saved")
		if got := v.only(); got.Name != "Anna Maria Holm" || got.AddressStatus != deltag.AddressUnsubscribed {
			t.Errorf("stored %+v, want both changes", got)
		}
	})
	t.Run("OvertakenTwiceIsDecidedAnew", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.store.onWrite = times(deltag.MaxConflictRetries-1, deltag.ErrConflict)
		v.post(managePath(r), fill...).redirectsTo(managePath(r) + "?done=saved")
	})
	t.Run("OvertakenAgainAndAgainAsksToPressAgain", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.store.onWrite = times(deltag.MaxConflictRetries, deltag.ErrConflict)
		v.post(managePath(r), fill...).want(http.StatusConflict).
			has(`form[action="` + managePath(r) + `"] input[type=hidden][name=name][value="Anna Maria Holm"]`)
	})
	t.Run("WithoutStoreKeepsTheForm", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.store.onWrite = always(deltag.ErrUnavailable)
		v.post(managePath(r), fill...).want(http.StatusServiceUnavailable).has(`input#name[value="Anna Maria Holm"]`).
			hasText(".alert", "tryk igen")
	})
	t.Run("AnswersToFormerQuestionsAreKept", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		v := newClient(t, e)
		answers := map[string][]string{
			"kommune": {"A", "B"}, "erfaring": {"Meget, meget"}, "emner": {"Kunst", "Ledelse"}, "optagelse": {"nej"},
			"gammel": {"svar"},
		}
		r := v.addRegistrationWith(e, deltag.SignUpRequest{Name: "Anna Holm", Language: e.Language, Answers: answers})
		a := v.get(managePath(r))
		a.has(`input[id="answers.kommune"][value="A, B"]`).has(`input[type=radio][value="Meget, meget"][checked]`).
			has(`input[type=checkbox][value="Kunst"][checked]`).
			has(`input[type=text][id="answers.optagelse"][value=nej]`)
		v.post(managePath(r), "name", "Anna Holm", "email", "anna@example.dk", "answers.kommune", "A, B",
			"answers.erfaring", "Meget, meget",
			"answers.emner", "Kunst", "answers.emner", "Ledelse", "answers.optagelse", "nej").want(http.StatusSeeOther)
		want := map[string][]string{"kommune": {"A, B"}, "erfaring": {"Meget, meget"}, "emner": {"Kunst", "Ledelse"},
			"optagelse": {"nej"}, "gammel": {"svar"}}
		if diff := cmp.Diff(want, v.only().Answers); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestCancelAndRejoin(t *testing.T) {
	t.Run("IsGivenUpInOnePressAndTakenBackInAnother", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r) + "/cancel").redirectsTo(managePath(r) + "?done=cancelled")
		v.get(managePath(r)+"?done=cancelled").hasText("h1", "Du har meldt afbud").has(".done").
			has(`form[action$="/rejoin"]`).hasNot("input#name")
		v.wantUnchanged(func() { v.post(managePath(r) + "/cancel").redirectsTo(managePath(r) + "?done=cancelled") })
		v.post(managePath(r)+"/rejoin", "language", "en").redirectsTo(managePath(r) + "?done=rejoined&lang=en")
		v.get(managePath(r)+"?done=rejoined").hasText("h1", "Du er tilmeldt").hasText(".done", "Velkommen tilbage")
		v.post(managePath(r) + "/rejoin").redirectsTo(managePath(r) + "?done=rejoined")
	})
	t.Run("IsGoneWhenOthersTookIt", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r) + "/cancel").want(http.StatusSeeOther)
		v.addRegistration(e, "Bo Lund")
		v.post(managePath(r) + "/rejoin").redirectsTo(managePath(r) + "?done=rejoined")
		v.get(managePath(r)+"?done=rejoined").hasText("h1", "Du står på ventelisten").
			hasText(".done", "Alle pladser er optaget lige nu")
	})
	t.Run("AWaitlistPlaceIsNoSeat", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		r := v.addRegistration(e, "Bo Lund")
		v.post(managePath(r) + "/cancel").redirectsTo(managePath(r) + "?done=cancelled")
		v.get(managePath(r)+"?done=cancelled").hasText("h1", "Du står ikke længere på ventelisten").
			hasText(".done", "Du har forladt ventelisten").has(`form[action$="/rejoin"]`)
		v.post(managePath(r), "name", "Bo", "email", "bo@example.dk").want(http.StatusConflict).
			hasText(".alert", "Du har forladt ventelisten")
	})
	t.Run("CannotBeTakenBackWhenFullWithoutWaitingList", func(t *testing.T) {
		e := limited(webinar(), 1, false)
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r) + "/cancel").want(http.StatusSeeOther)
		v.addRegistration(e, "Bo Lund")
		v.post(managePath(r)+"/rejoin").want(http.StatusConflict).hasText(".alert", "der er ingen venteliste")
	})
	t.Run("CannotBeTakenBackOnceSignUpIsClosed", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r) + "/cancel").want(http.StatusSeeOther)
		v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventClosed })
		v.get(managePath(r)).hasNot(`form[action$="/rejoin"]`)
		v.post(managePath(r)+"/rejoin").want(http.StatusConflict).hasText(".alert", "Tilmeldingen er lukket")
	})
}

func TestErase(t *testing.T) {
	e := webinar()
	t.Run("NeedsTheTick", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r) + "/erase").want(http.StatusUnprocessableEntity).has("details[open]").
			has(`input#confirm[aria-invalid=true][aria-describedby="confirm.fault"]`)
		v.only()
	})
	t.Run("ShowsAReceiptAndEndsEveryLink", func(t *testing.T) {
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.post(managePath(r)+"/erase", "confirm", "yes").want(http.StatusOK).hasText("h1", "Dine data er slettet").
			hasText("main", "blev slettet tirsdag den 24. november 2026 kl. 14.00")
		if len(v.registrations()) > 0 {
			t.Error("still stored")
		}
		for _, path := range []string{managePath(r), joinPath(r), unsubscribePath(r)} {
			v.get(path).want(http.StatusNotFound).hasText("h1", "Linket virker ikke")
		}
	})
}

func TestExportData(t *testing.T) {
	e := webinar()
	e.Questions = questions()[:1]
	v := newClient(t, e)
	former := v.addRegistrationWith(e, deltag.SignUpRequest{Name: "Ana Holm", Language: e.Language})
	request := deltag.SignUpRequest{
		Name: "Anna Holm", Email: deltag.Address{Original: "anna@example.dk", Normalized: "anna@example.dk"},
		Language: e.Language, Answers: map[string][]string{"kommune": {"Æblerød"}, "gammel": {"svar"}},
	}
	v.must(v.store.UpdateByOrganiser(t.Context(), e, former, request, before))
	r := v.stored(e, request.Email)
	mails, err := v.store.DeliveriesOf(t.Context(), e.ID, r.ID)
	v.must(err)
	claimed := mails[0].Claim(before)
	v.must(v.store.Claim(t.Context(), claimed, r))
	v.must(v.store.SaveDelivery(t.Context(), claimed.MarkSent("ses-1", before)))

	a := v.get(managePath(r) + "/data.json").want(http.StatusOK)
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
	if got.Registration.Name != "Anna Holm" || got.Registration.Status != "confirmed" ||
		got.Registration.AttendedAt != nil || got.Event.Title != e.Title || !got.ErasedAt.Equal(e.RetentionEndsAt()) {
		t.Errorf("data: %+v", got)
	}
	if n := len(got.Registration.Answers); n != 2 || got.Registration.Answers[0].Question == "" ||
		got.Registration.Answers[1].ID != "gammel" {
		t.Errorf("answers: %+v", got.Registration.Answers)
	}
	if len(got.Mails) != 2 || got.Mails[0].Kind != "confirmation" || got.Mails[0].MessageID != "ses-1" ||
		len(got.Mails[0].History) != 2 || got.Mails[1].Email != "ana@example.dk" {
		t.Errorf("mails: %+v", got.Mails)
	}
	if secret := base64.StdEncoding.EncodeToString(r.Secret); strings.Contains(a.text, secret) {
		t.Error("the link secret is in it")
	}
}

func TestRegistrationCalendar(t *testing.T) {
	e := limited(webinar(), 1, true)
	v := newClient(t, e)
	r := v.addRegistration(e, "Anna Holm")
	a := v.get(managePath(r) + "/calendar.ics").want(http.StatusOK)
	if a.Header.Get("Content-Type") != "text/calendar; charset=utf-8" {
		t.Errorf("headers %v", a.Header)
	}
	file := strings.ReplaceAll(a.text, "\r\n ", "") // RFC 5545 3.1: long lines are folded
	for _, line := range []string{"UID:" + r.CalendarUID() + "\r\n",
		"URL:https://deltag.example.dk" + joinPath(r) + "\r\n"} {
		if !strings.Contains(file, line) {
			t.Errorf("no %q in:\n%s", line, file)
		}
	}
	waiting := v.addRegistration(e, "Bo Lund")
	v.get(managePath(waiting) + "/calendar.ics").redirectsTo(managePath(waiting))
}

func TestTokens(t *testing.T) {
	e, other := webinar(), webinar()
	other.ID, other.Slug, other.Title, other.Secret = "bbbbbbbbbbbbbbbbbbbb", "andet", "Et andet møde",
		[]byte("fedcba9876543210")
	v := newClient(t, e, other)
	r, stranger := v.addRegistration(e, "Anna Holm"), v.addRegistration(other, "Bo Lund")
	good := r.LinkToken(deltag.PurposeManage)
	swapped := deltag.Link{EventID: other.ID, RegistrationID: r.ID, Purpose: deltag.PurposeManage}
	gone := deltag.Link{EventID: e.ID, RegistrationID: "zzzzzzzzzzzzzzzzzzzz", Purpose: deltag.PurposeManage}
	forged := deltag.Link{EventID: e.ID, RegistrationID: r.ID, Purpose: deltag.PurposeManage}
	tokens := map[string]string{
		"OfAnotherPurpose": r.LinkToken(deltag.PurposeJoin),
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
	requests := []struct{ method, path string }{
		{"GET", ""}, {"POST", ""}, {"POST", "/cancel"}, {"POST", "/rejoin"}, {"POST", "/erase"},
		{"GET", "/calendar.ics"}, {"GET", "/data.json"},
	}
	v.wantUnchanged(func() {
		for name, token := range tokens {
			t.Run(name, func(t *testing.T) {
				for _, request := range requests {
					a := v.send(request.method, "/r/"+token+request.path, "", "")
					if a.StatusCode != http.StatusNotFound || a.text != page {
						t.Errorf("%s /r/…%s: status %d, or the page differs from the others'",
							request.method, request.path, a.StatusCode)
					}
				}
			})
		}
		for path, purposes := range map[string][]deltag.Purpose{
			"/join/":        {deltag.PurposeManage, deltag.PurposeUnsubscribe},
			"/unsubscribe/": {deltag.PurposeManage, deltag.PurposeJoin},
		} {
			for _, purpose := range purposes {
				v.get(path + r.LinkToken(purpose)).want(http.StatusNotFound)
				v.post(path + r.LinkToken(purpose)).want(http.StatusNotFound)
			}
		}
	})
}

func TestLostLink(t *testing.T) {
	t.Run("BrokenLinkOffersANewOne", func(t *testing.T) {
		v := newClient(t, webinar())
		v.get("/r/hello").want(http.StatusNotFound).has(`form[action="/e/samskabelse/link"] input#email[type=email]`)
	})
	t.Run("OfSeveralEventsOneIsChosen", func(t *testing.T) {
		other := webinar()
		other.ID, other.Slug = "bbbbbbbbbbbbbbbbbbbb", "andet"
		newClient(t, webinar(), other).get("/r/hello?lang=en").has(`a[href="/e/andet/link?lang=en"]`).
			has(`a[href="/e/samskabelse/link?lang=en"]`).hasNot("form")
	})
	t.Run("AnswerIsTheSameForKnownAndUnknownAddresses", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.now = before.Add(deltag.ResendCooldown)
		ask := func(email string) response { return v.post("/e/samskabelse/link", "email", email) }
		known, unknown := ask("Anna@example.dk"), ask("bo@example.dk")
		known.redirectsTo("/e/samskabelse/link?sent=yes")
		if diff := cmp.Diff(known.Header, unknown.Header); diff != "" || known.text != unknown.text {
			t.Errorf("the answers differ:\n%s", diff)
		}
		mails, _, err := v.store.Deliveries(t.Context(), e.ID, "", 100)
		v.must(err)
		if len(mails) != 2 || mails[0].RegistrationID != r.ID || mails[1].RegistrationID != r.ID {
			t.Errorf("mails %+v, want the confirmation and one more, both to Anna", mails)
		}
		v.get("/e/samskabelse/link?sent=yes").hasText("h1", "Kig i din indbakke").
			hasText(".done", "Hvis adressen er tilmeldt")
	})
	t.Run("ErrorIsNamed", func(t *testing.T) {
		newClient(t, webinar()).post("/e/samskabelse/link", "email", "anna").want(http.StatusUnprocessableEntity).
			hasText(`.alert a[href="#email"]`, "Der mangler et @").has(`input#email[value=anna]`)
	})
	t.Run("WithoutStoreKeepsTheAddress", func(t *testing.T) {
		v := newClient(t, webinar())
		v.store.fail(deltag.ErrUnavailable)
		v.post("/e/samskabelse/link", "email", "anna@example.dk").want(http.StatusServiceUnavailable).
			has(`input[name=email][value="anna@example.dk"]`)
		v.get("/r/hello").want(http.StatusNotFound)
	})
}

// TestAddressChangeLimit: changes of address have a lower limit, and count for the network as sign-ups do.
func TestAddressChangeLimit(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.addRegistration(e, "Anna Holm")
	save := func(email string) response { return v.post(managePath(r), "name", "Anna Holm", "email", email) }
	for n := range deltag.MaxAddressChangesPerDay {
		save(fmt.Sprintf("anna%d@example.dk", n)).want(http.StatusOK)
	}
	save("anna9@example.dk").want(http.StatusTooManyRequests).hasText(".alert", "Mailadressen er ændret 5 gange i dag").
		has(`input[name="email"][value="anna9@example.dk"]`)
	save(r.Email.Original).redirectsTo(managePath(r) + "?done=saved")
	v.post("/e/samskabelse/link", "email", "bo@example.dk").want(http.StatusSeeOther)
	for _, network := range v.store.networks {
		if network == "" {
			t.Errorf("networks %q", v.store.networks)
		}
	}
	v.store.onWrite = always(deltag.ErrSignUpLimit)
	v.now = before.Add(24 * time.Hour)
	save("anna9@example.dk").want(http.StatusTooManyRequests).hasText(".alert", "fra dit netværk").
		has(`input[name="email"][value="anna9@example.dk"]`)
	v.post("/e/samskabelse/link", "email", "bo@example.dk").want(http.StatusTooManyRequests).
		hasText(".alert", "fra dit netværk").has(`input[name="email"][value="bo@example.dk"]`)
}

// TestChangeLimit: after deltag.MaxChangesPerDay changes on a day the next has to wait for the next day, and giving up
// and erasing have not.
func TestChangeLimit(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.addRegistration(e, "Anna Holm")
	save := func(name string) response {
		return v.post(managePath(r), "name", name, "email", r.Email.Original)
	}
	for n := range deltag.MaxChangesPerDay - 1 {
		save(fmt.Sprintf("Anna %c. Holm", 'A'+n%26)).redirectsTo(managePath(r) + "?done=saved")
	}
	v.post(managePath(r) + "/cancel").redirectsTo(managePath(r) + "?done=cancelled")
	v.post(managePath(r) + "/rejoin").redirectsTo(managePath(r) + "?done=rejoined")
	midnight := before.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	refused := save("Anna Skov").want(http.StatusTooManyRequests)
	refused.hasText(".alert", "Du kan ændre den igen").has(`input[name="name"][value="Anna Skov"]`)
	if got := refused.Header.Get("Retry-After"); got != midnight.Format(http.TimeFormat) {
		t.Errorf("Retry-After %q", got)
	}
	v.post(managePath(r) + "/cancel").redirectsTo(managePath(r) + "?done=cancelled")
	v.post(managePath(r)+"/rejoin").want(http.StatusTooManyRequests).hasText(".alert", "50 gange")

	// So with the button of the mail that a sign-up of the address causes, once that about the cancellation is out.
	deliveries, err := v.store.DeliveriesOf(t.Context(), e.ID, r.ID)
	for _, d := range deliveries {
		if d.Kind == deltag.KindRegistrationCancelled && err == nil {
			err = v.store.SaveDelivery(t.Context(), d.Skip(deltag.ReasonSuperseded, v.now))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	v.post(signUpPath, "name", "Anna Holm", "email", r.Email.Original).want(http.StatusSeeOther)
	v.post(verifyPath(r)+"/verify").want(http.StatusTooManyRequests).hasText("main p", "Tryk på knappen igen efter")
	v.now = midnight
	v.post(managePath(r) + "/rejoin").redirectsTo(managePath(r) + "?done=rejoined")
	save("Anna Skov").redirectsTo(managePath(r) + "?done=saved")
	v.post(managePath(r)+"/erase", "confirm", "yes").want(http.StatusOK)
}
