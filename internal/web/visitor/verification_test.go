package visitor

import (
	"net/http"
	"strings"
	"testing"

	"deltag/internal/deltag"
)

// addUnverified signs somebody up who has to be verified, behind the site's back.
func (v *client) addUnverified(e deltag.Event, name string) deltag.Registration {
	v.Helper()
	e.Verify = deltag.VerifyAlways
	return v.addRegistrationWith(e, deltag.SignUpRequest{Name: name, Language: e.Language, AllowsNews: true})
}

// requestAddressChange is r after its owner has asked for another address.
func (v *client) requestAddressChange(e deltag.Event, r deltag.Registration, email string) deltag.Registration {
	v.Helper()
	request := detailsOf(r)
	request.Email, request.Language = deltag.Address{Original: email, Normalized: email}, r.Language
	v.must(v.store.Store.UpdateByAttendee(v.Context(), e, r, request, v.now))
	return v.stored(e, r.Email)
}

func verifyPath(r deltag.Registration) string { return "/r/" + r.LinkToken(deltag.PurposeVerify) }

// verifyNewEmailPath is that of the link in the mail to the new address.
func verifyNewEmailPath(r deltag.Registration) string {
	l := deltag.Link{EventID: r.EventID, RegistrationID: r.ID, Purpose: deltag.PurposeVerify}
	return "/r/" + l.Token(r.AddressChange.Secret)
}

func TestSignUpThatHasToBeVerified(t *testing.T) {
	e := webinar()
	e.Verify = deltag.VerifyAlways
	t.Run("IsStoredWithoutASeatAndSaysSo", func(t *testing.T) {
		v := newClient(t, e)
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").
			redirectsTo("/e/samskabelse/thanks?verify=yes")
		v.get("/e/samskabelse/thanks?verify=yes").want(http.StatusOK).hasText("h1", "Kig i din indbakke").
			hasText(".done", "Tryk på knappen").hasNot("ol")
		v.post(signUpPath, "name", "Bo Lund", "email", "bo@example.dk", "embed", "yes", "language", "en").
			redirectsTo("/e/samskabelse/thanks?embed=yes&verify=yes&lang=en")
		for _, r := range v.registrations() {
			if r.Status != deltag.RegistrationUnverified {
				t.Errorf("stored as %s", r.Status)
			}
		}
	})
	t.Run("AnswerIsTheSameForEveryAddress", func(t *testing.T) {
		v := newClient(t, e)
		v.addRegistration(webinar(), "Anna Holm")
		bo := v.addRegistration(webinar(), "Bo Lund")
		v.must(v.store.CancelRegistration(t.Context(), e, bo, v.now))
		v.addUnverified(e, "Carl Dam")
		want := v.post(signUpPath, "name", "X", "email", "ny@example.dk")
		wantJSON := v.postJSON(`{"name":"X","email":"nyere@example.dk"}`)
		if !strings.Contains(wantJSON.text, `"status":"unverified"`) {
			t.Errorf("answer %s", wantJSON.text)
		}
		for _, name := range []string{"anna", "bo", "carl"} {
			got := v.post(signUpPath, "name", "X", "email", name+"@example.dk")
			gotJSON := v.postJSON(`{"name":"X","email":"` + name + `@example.dk"}`)
			if got.StatusCode != want.StatusCode || got.Header.Get("Location") != want.Header.Get("Location") ||
				gotJSON.text != wantJSON.text {
				t.Errorf("the answer to %s differs: %d %v, %s", name, got.StatusCode, got.Header, gotJSON.text)
			}
		}
	})
}

func TestVerify(t *testing.T) {
	t.Run("OnlyThePressTakesTheSeat", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		r := v.addUnverified(e, "Anna Holm")
		v.wantUnchanged(func() {
			v.get(verifyPath(r)).want(http.StatusOK).hasText("h1", "Er det din adresse?").
				has(`form[method=post][action="`+verifyPath(r)+`/verify"] button`).
				hasText(".note", "Eksempelhuset må skrive til dig")
			v.get(verifyPath(r) + "/verify").redirectsTo(verifyPath(r))
			v.post(verifyPath(r)).want(http.StatusNotFound) // it is no link to the registration
			v.post(verifyPath(r) + "/cancel").want(http.StatusNotFound)
			v.post(verifyPath(r) + "/erase").want(http.StatusNotFound)
		})
		v.get(verifyPath(r)).has("form input[type=hidden][name=news-shown][value=yes]")
		v.post(verifyPath(r)+"/verify", "news-shown", "yes").redirectsTo(managePath(r) + "?done=verified")
		if got := v.only(); got.Status != deltag.RegistrationConfirmed || !got.AllowsNews {
			t.Errorf("stored %+v", got)
		}
		v.get(managePath(r)+"?done=verified").hasText(".done", "Din adresse er bekræftet.").hasText("h1", "Du er tilmeldt")
	})
	t.Run("WhatWasTickedAfterThePageWasReadIsNoConsent", func(t *testing.T) {
		e := webinar()
		e.Verify = deltag.VerifyAlways
		v := newClient(t, e)
		unticked := deltag.SignUpRequest{Name: "Anna Holm", Language: e.Language}
		r := v.addRegistrationWith(e, unticked)
		v.get(verifyPath(r)).hasNot("form input[name=news-shown]")
		v.post(signUpPath, "name", "En Anden", "email", r.Email.Original, "updates", "yes").want(http.StatusSeeOther)
		v.post(verifyPath(r) + "/verify").redirectsTo(managePath(r) + "?done=verified")
		got := v.only()
		if got.Status != deltag.RegistrationConfirmed || got.AllowsNews || got.AsksForNews {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("ASecondPressIsHarmless", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addUnverified(e, "Anna Holm")
		v.post(verifyPath(r) + "/verify").want(http.StatusSeeOther)
		v.wantUnchanged(func() {
			v.post(verifyPath(r) + "/verify").redirectsTo(managePath(r) + "?done=verified")
			v.get(verifyPath(r)).want(http.StatusGone).has(`main a[href="` + managePath(r) + `"]`)
		})
	})
	t.Run("WhoWaitsIsSentToTheWaitlist", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		v.addRegistration(e, "Bo Lund")
		r := v.addUnverified(e, "Anna Holm")
		v.post(verifyPath(r) + "/verify").redirectsTo(managePath(r) + "?done=verified")
		v.get(managePath(r)).hasText("h1", "Du står på ventelisten")
	})
	t.Run("FullWithoutWaitlistMayBeTriedAgain", func(t *testing.T) {
		e := limited(webinar(), 1, false)
		v := newClient(t, e)
		r := v.addUnverified(e, "Anna Holm")
		bo := v.addRegistration(e, "Bo Lund")
		v.post(verifyPath(r)+"/verify").want(http.StatusConflict).hasText("h1", "Alle pladser er optaget")
		v.must(v.store.CancelRegistration(t.Context(), e, bo, v.now))
		v.post(verifyPath(r) + "/verify").want(http.StatusSeeOther)
	})
	t.Run("AfterADayItIsGone", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addUnverified(e, "Anna Holm")
		v.now = before.Add(deltag.VerificationPeriod)
		gone := func(title string) {
			t.Helper()
			v.wantUnchanged(func() {
				v.get(verifyPath(r)).want(http.StatusGone).hasText("h1", title).has(`main a[href="/e/samskabelse"]`)
				v.post(verifyPath(r) + "/verify").want(http.StatusGone)
			})
		}
		gone("Linket er udløbet") // before the tick
		v.must(v.store.Expire(t.Context(), e.ID, r.ID, v.now))
		if n := len(v.registrations()); n != 0 {
			t.Errorf("%d registrations are left", n)
		}
		gone("Linket virker ikke længere")
	})
	t.Run("AnUnverifiedRegistrationHasNothingElseToDo", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addUnverified(e, "Anna Holm")
		v.get(managePath(r)).want(http.StatusOK).hasText("h1", "Bekræft din tilmelding").hasNot("input#name").
			hasNot(`form[action$="/cancel"]`).has(`form[action="` + managePath(r) + `/verify"]`).
			has(`form[action$="/erase"]`)
		v.get(joinPath(r)).want(http.StatusOK).hasText("h1", "mangler at blive bekræftet")
		v.post(managePath(r), "name", "Bo", "email", "anna@example.dk").want(http.StatusConflict)
		v.post(managePath(r) + "/verify").redirectsTo(managePath(r) + "?done=rejoined")
		if got := v.only().Status; got != deltag.RegistrationConfirmed {
			t.Errorf("stored as %s", got)
		}
	})
	t.Run("WhoGaveTheSeatUpTakesItAgain", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		v.must(v.store.CancelRegistration(t.Context(), e, r, v.now))
		v.get(verifyPath(r)).want(http.StatusGone) // nobody was asked to verify it
		mails, err := v.store.DeliveriesOf(t.Context(), e.ID, r.ID)
		v.must(err)
		for _, d := range mails { // an unsent one about the cancellation would have to go out first
			v.must(v.store.SaveDelivery(t.Context(), d.MarkSent("ses-1", v.now)))
		}
		v.now = before.Add(deltag.ResendCooldown)
		v.post(signUpPath, "name", "Stranger", "email", "anna@example.dk", "organisation", "Evil A/S", "updates", "yes").
			redirectsTo("/e/samskabelse/thanks")
		if got := v.only(); got.Status != deltag.RegistrationCancelled || got.Name != "Anna Holm" || got.AsksForNews {
			t.Errorf("a stranger has changed it: %+v", got)
		}
		v.post(verifyPath(r) + "/verify").redirectsTo(managePath(r) + "?done=verified")
		if got := v.only(); got.Status != deltag.RegistrationConfirmed || got.Organisation != "Eksempel Kommune" ||
			got.AllowsNews {
			t.Errorf("stored %+v", got)
		}
		v.must(v.store.CancelRegistration(t.Context(), e, v.only(), v.now))
		v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventClosed })
		v.post(verifyPath(r)+"/verify").want(http.StatusGone).hasText("h1", "Tilmeldingen er lukket")
	})
	t.Run("EveryBadTokenIsGone", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistration(e, "Anna Holm")
		r.Secret = []byte("another key 1234")
		v.get(verifyPath(r)).want(http.StatusGone)
		v.post(verifyPath(r) + "/verify").want(http.StatusGone)
		v.get("/r/hello").want(http.StatusNotFound)
		v.post("/r/hello/verify").want(http.StatusNotFound)
	})
}

func TestVerifyNewAddress(t *testing.T) {
	e := webinar()
	fill := []string{"name", "Anna Holm", "email", "ny@example.dk", "organisation", "Ny Kommune"}
	t.Run("MovesTheRegistrationAndEndsItsLinks", func(t *testing.T) {
		v := newClient(t, e)
		old := v.addRegistration(e, "Anna Holm")
		v.post(managePath(old), fill...).want(http.StatusOK)
		changing := v.only()
		v.wantUnchanged(func() {
			a := v.get(verifyNewEmailPath(changing)).want(http.StatusOK).hasText(".lead", "ny@example.dk")
			for _, of := range []string{"Anna", "anna@", "Kommune", old.LinkToken(deltag.PurposeManage)} {
				if strings.Contains(a.text, of) {
					t.Errorf("the page shows %q of the registration", of)
				}
			}
			v.get(managePath(changing)).want(http.StatusOK)
		})
		a := v.post(verifyNewEmailPath(changing) + "/verify")
		moved := v.only()
		a.redirectsTo(managePath(moved) + "?done=verified")
		if moved.Email.Original != "ny@example.dk" || moved.Organisation != "Ny Kommune" {
			t.Errorf("stored %+v", moved)
		}
		v.get(managePath(old)).want(http.StatusNotFound)
		v.wantUnchanged(func() {
			v.get(verifyNewEmailPath(changing)).want(http.StatusGone)
			v.post(verifyNewEmailPath(changing) + "/verify").want(http.StatusGone)
		})
	})
	t.Run("ATickIsShownAndCountsAsShown", func(t *testing.T) {
		for _, shown := range []bool{true, false} {
			v := newClient(t, e)
			v.post(managePath(v.addRegistration(e, "Anna Holm")), append(fill, "updates", "yes")...).want(http.StatusOK)
			changing := v.only()
			v.get(verifyNewEmailPath(changing)).hasText(".note", "må skrive til dig").
				has("form input[type=hidden][name=news-shown][value=yes]")
			var pressed []string
			if shown {
				pressed = []string{"news-shown", "yes"}
			}
			v.post(verifyNewEmailPath(changing)+"/verify", pressed...).want(http.StatusSeeOther)
			if got := v.only().AllowsNews; got != shown {
				t.Errorf("consent %t, shown %t", got, shown)
			}
		}
	})
	t.Run("LooksTheSameWhetherOrNotTheAddressIsKnown", func(t *testing.T) {
		e := limited(webinar(), 2, true)
		pages := map[string]string{}
		for _, known := range []string{"", "confirmed", "cancelled", "unverified"} {
			v := newClient(t, e)
			mine := v.addRegistration(e, "Anna Holm")
			switch known {
			case "confirmed":
				v.addRegistration(e, "Ny Person")
			case "cancelled":
				v.must(v.store.CancelRegistration(t.Context(), e, v.addRegistration(e, "Ny Person"), v.now))
			case "unverified":
				v.addUnverified(e, "Ny Person")
			}
			counts := func() deltag.Counts {
				c, err := v.store.Counts(t.Context(), e)
				v.must(err)
				return c
			}
			before := counts()
			answer := v.post(managePath(mine), fill...).want(http.StatusOK)
			if after := counts(); after != before {
				t.Errorf("%s: counts %+v, before %+v", known, after, before)
			}
			pages[known] = pageText(answer) + pageText(v.get(managePath(mine)))
		}
		for known, text := range pages {
			if text != pages[""] {
				t.Errorf("%q tells: %s", known, text)
			}
		}
	})
	t.Run("AfterADayTheOldAddressStays", func(t *testing.T) {
		v := newClient(t, e)
		old := v.addRegistration(e, "Anna Holm")
		changing := v.requestAddressChange(e, old, "ny@example.dk")
		v.now = before.Add(deltag.VerificationPeriod)
		v.get(verifyNewEmailPath(changing)).want(http.StatusGone)
		v.post(verifyNewEmailPath(changing) + "/verify").want(http.StatusGone)
		v.get(managePath(old)).want(http.StatusOK).hasNot(".hintbox")
	})
	t.Run("IsInTheCopyOfOnesData", func(t *testing.T) {
		v := newClient(t, e)
		changing := v.requestAddressChange(e, v.addRegistration(e, "Anna Holm"), "ny@example.dk")
		if a := v.get(managePath(changing) + "/data.json"); !strings.Contains(a.text, `"email": "ny@example.dk"`) {
			t.Errorf("%s", a.text)
		}
	})
}
