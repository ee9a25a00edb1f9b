package visitor

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

const signUpPath = "/e/samskabelse/registrations"

func TestEventPage(t *testing.T) {
	t.Run("ShowsFormWithStandardFields", func(t *testing.T) {
		a := newClient(t, webinar()).get("/e/samskabelse").want(http.StatusOK)
		a.hasText("h1", "Samskabelse på dagsorden").hasText(".kicker", "Gratis · online · 1 time")
		a.hasText(".when", "Tirsdag den 1. december 2026 kl. 14.00–15.00 (dansk tid)")
		a.has(`time[datetime="2026-12-01T13:00:00Z"]`)
		for name, autocomplete := range map[string]string{"name": "name", "email": "email",
			"organisation": "organization", "role": "organization-title"} {
			a.has(`form[method=post][action="` + signUpPath + `"] input#` + name + `[name=` + name +
				`][autocomplete=` + autocomplete + `]`)
		}
		a.has(`input[name=email][type=email][required]`).has(`input[type=hidden][name=language][value=da]`)
		a.has(`input[type=checkbox][name=updates][value=yes]`).hasNot(`input[name=updates][checked]`)
		a.hasText(`label[for=name]`, "(skal udfyldes)").hasText(`label[for=role]`, "(valgfrit)")
	})
	t.Run("HoneypotIsHiddenFromEveryPerson", func(t *testing.T) {
		newClient(t, webinar()).get("/e/samskabelse").
			has(`.trap[aria-hidden=true] input[name=homepage][tabindex="-1"][autocomplete=off]:not([required])`)
	})
	t.Run("SaysWhatIsStoredWhyAndUntilWhen", func(t *testing.T) {
		newClient(t, webinar()).get("/e/samskabelse").
			hasText(".privacy", "Eksempelhuset gemmer det, du skriver her").
			hasText(".privacy strong", "Alt slettes torsdag den 31. december 2026.").
			hasText(`[id="updates.hint"]`, "beholder Eksempelhuset din mailadresse til det, også når alt her er slettet")
	})
	t.Run("AsksTheOrganisersQuestions", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		a := newClient(t, e).get("/e/samskabelse")
		a.has(`input[type=text][id="answers.kommune"][required]`).has(`textarea[name="answers.bidrag"]`)
		a.has(`fieldset[role=radiogroup][aria-required=true] input[type=radio][name="answers.erfaring"][value="Lidt"]`)
		a.has(`fieldset input[type=checkbox][name="answers.emner"][value="Økonomi"]`)
		a.has(`input[type=checkbox][name="answers.optagelse"][value=yes][required]`)
	})
	t.Run("LongerEventSaysHoursAndMinutes", func(t *testing.T) {
		e := webinar()
		e.EndsAt = e.StartsAt.Add(90 * time.Minute)
		newClient(t, e).get("/e/samskabelse").hasText(".kicker", "1 time og 30 minutter")
	})
	t.Run("DescriptionKeepsParagraphsAndLists", func(t *testing.T) {
		e := webinar()
		e.Description = "Først.\r\n\r\nVi taler om\n– ledelse\n– borgere\n\n<b>Sidst</b>"
		a := newClient(t, e).get("/e/samskabelse").hasText(".text p:first-child", "Først.")
		a.hasText(".text ul li:last-child", "borgere").hasText(".text", "<b>Sidst</b>").hasNot(".text b")
	})
	t.Run("DescriptionHasItsAddressesAsLinks", func(t *testing.T) {
		e := webinar()
		e.Description = "Program: https://example.dk/program?a=b&c=d.\n\nSkriv til\n- hej@example.dk\n- javascript:alert(1)"
		a := newClient(t, e).get("/e/samskabelse")
		a.has(`.text p a[rel=noopener][href="https://example.dk/program?a=b&c=d"]`).has(`.text li a[href="mailto:hej@example.dk"]`)
		a.hasText(".text p:first-child", "Program: https://example.dk/program?a=b&c=d.")
		if n := a.doc.Find(".text a").Length(); n != 2 {
			t.Errorf("%d links", n)
		}
	})
	t.Run("SpeaksEnglishOnRequestAndKeepsIt", func(t *testing.T) {
		a := newClient(t, webinar()).get("/e/samskabelse?lang=en")
		a.hasText("#signup-title", "Sign up here").has(`html[lang=en]`).has(`article[lang=da] h1`)
		a.has(`input[name=language][value=en]`).has(`a[href="/e/samskabelse/link?lang=en"]`).
			has(`a.switch[hreflang=da][href="/e/samskabelse?lang=da"]`)
		if got := a.Header.Get("Content-Language"); got != "en" {
			t.Errorf("Content-Language %q, want en", got)
		}
	})
	t.Run("MayBeCachedByAProxyOnly", func(t *testing.T) {
		a := newClient(t, webinar()).get("/e/samskabelse")
		if got := a.Header.Get("Cache-Control"); got != "public, max-age=0, s-maxage=15" {
			t.Errorf("Cache-Control %q", got)
		}
	})

	opens := before.Add(24 * time.Hour)
	for name, tt := range map[string]struct {
		change func(*deltag.Event)
		now    time.Time
		notice string
	}{
		"NotYetOpen": {func(e *deltag.Event) { e.SignUpOpensAt = opens }, before,
			"Du kan tilmelde dig fra onsdag den 25. november 2026 kl. 14.00."},
		"Closed": {func(e *deltag.Event) { e.Status = deltag.EventClosed }, before, "Tilmeldingen er lukket"},
		"ClosedByTime": {func(e *deltag.Event) { e.SignUpClosesAt = before },
			before, "Tilmeldingen er lukket"},
		"Cancelled": {func(e *deltag.Event) { e.Status = deltag.EventCancelled }, before, "Arrangementet er aflyst"},
		"Over":      {func(*deltag.Event) {}, starts.Add(time.Hour), "Arrangementet er slut"},
	} {
		t.Run(name+"ShowsTheReasonInsteadOfTheForm", func(t *testing.T) {
			e := webinar()
			tt.change(&e)
			v := newClient(t, e)
			v.now = tt.now
			v.get("/e/samskabelse").want(http.StatusOK).hasText(".notice", tt.notice).hasNot(`form`)
			v.get("/e/samskabelse/embed").want(http.StatusOK).hasText(".notice", tt.notice).hasNot(`form`)
			v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").want(http.StatusConflict).
				hasText(".notice", tt.notice).hasNot(`form`)
			if len(v.registrations()) > 0 {
				t.Error("something was stored")
			}
		})
	}
	t.Run("SaysHowManySeatsAreLeft", func(t *testing.T) {
		for capacity, want := range map[int]string{
			1: "Alle pladser er optaget", 2: "1 plads tilbage", 3: "2 pladser tilbage", 21: "20 pladser tilbage",
			22: "Mere end 20 pladser tilbage",
		} {
			e := limited(webinar(), capacity, true)
			v := newClient(t, e)
			v.addRegistration(e, "Anna Holm")
			v.get("/e/samskabelse").hasText(".facts dd", want)
			a := v.get("/e/samskabelse/embed").hasText("main", want)
			if n := strings.Count(a.doc.Find("main").Text(), want); n != 1 {
				t.Errorf("the form alone says %q %d times", want, n)
			}
		}
		newClient(t, webinar()).get("/e/samskabelse").hasText(".facts", "Online").hasNot(`dt:contains("Pladser")`)
	})
	t.Run("FullEventOffersItsWaitlist", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		for _, path := range []string{"/e/samskabelse", "/e/samskabelse/embed"} {
			v.get(path).hasText("#signup-title", "Skriv dig på ventelisten").hasText(".hintbox", "Alle pladser er optaget").
				hasText("form button", "Skriv mig på ventelisten")
		}
		v.get("/e/samskabelse").hasText(".jump", "Skriv dig på ventelisten")
		v.post(signUpPath, "name", "", "email", "").want(http.StatusUnprocessableEntity).
			hasText("form button", "Skriv mig på ventelisten")
	})
	t.Run("FullEventWithoutAWaitlistHasNoForm", func(t *testing.T) {
		e := limited(webinar(), 1, false)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		for _, path := range []string{"/e/samskabelse", "/e/samskabelse/embed"} {
			v.get(path).want(http.StatusOK).hasText(".notice h2", "Alle pladser er optaget").hasNot("form")
		}
		// Somebody who had the page open before: the form keeps what they typed.
		v.post(signUpPath, "name", "Bo Lund", "email", "bo").want(http.StatusUnprocessableEntity).
			has(`input#name[value="Bo Lund"]`)
	})
	t.Run("NobodyPassesThoseWhoWait", func(t *testing.T) {
		e := limited(webinar(), 1, true)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		v.addRegistration(e, "Bo Lund")
		v.editEvent(e, func(e *deltag.Event) { e.Capacity = new(2) }) // and nobody has been promoted yet
		v.get("/e/samskabelse").hasText("form button", "Skriv mig på ventelisten")
	})
	t.Run("ShowsTheFormWhenTheCountsCantBeRead", func(t *testing.T) {
		v := newClient(t, limited(webinar(), 1, false))
		reads := 0
		v.store.onRead = func() error {
			if reads++; reads > 1 {
				return deltag.ErrUnavailable
			}
			return nil
		}
		v.get("/e/samskabelse").want(http.StatusOK).has("form").hasNot(`dt:contains("Pladser")`)
	})
	t.Run("LinksToTheCalendarFileUntilTheEvent", func(t *testing.T) {
		v := newClient(t, webinar())
		const file, link = `.when a[href="/e/samskabelse/calendar.ics"]`, `a[href="/e/samskabelse/link"]`
		v.get("/e/samskabelse").hasText(file, "Føj til kalender").has(link)
		v.editEvent(webinar(), func(e *deltag.Event) { e.Status = deltag.EventClosed })
		v.get("/e/samskabelse").has(file).has(link)
		v.now = starts.Add(time.Hour)
		v.get("/e/samskabelse").hasNot(file).hasNot(link)
		v.now = before
		v.editEvent(webinar(), func(e *deltag.Event) { e.Status = deltag.EventCancelled })
		v.get("/e/samskabelse").hasNot(file).hasNot(link)
	})
	t.Run("DraftIsNotFound", func(t *testing.T) {
		e := webinar()
		e.Status = deltag.EventDraft
		v := newClient(t, e)
		for _, path := range []string{"", "/embed", "/thanks", "/calendar.ics", "/link"} {
			v.get("/e/samskabelse" + path).want(http.StatusNotFound)
		}
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").want(http.StatusNotFound)
	})
}

func TestSignUp(t *testing.T) {
	t.Run("StoresWhatWasTypedAndRedirectsToThanks", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		v := newClient(t, e)
		v.post(signUpPath, "language", "da", "name", " Anna Holm ", "email", " Anna@Blåbærgrød.dk ",
			"organisation", "Eksempel Kommune", "role", "Leder", "updates", "yes",
			"answers.kommune", "Eksempel", "answers.bidrag", "En linje\r\nog en til", "answers.erfaring", "Lidt",
			"answers.emner", "Ledelse", "answers.emner", "Økonomi", "answers.optagelse", "yes",
			"answers.ukendt", "x", "submit", "Send").
			redirectsTo("/e/samskabelse/thanks")
		want := deltag.SignUpRequest{
			Name:         "Anna Holm",
			Email:        deltag.Address{Original: "Anna@Blåbærgrød.dk", Normalized: "anna@xn--blbrgrd-fxak7p.dk"},
			Organisation: "Eksempel Kommune", JobTitle: "Leder", AllowsNews: true, Language: deltag.LanguageDanish,
			Answers: map[string][]string{"kommune": {"Eksempel"}, "bidrag": {"En linje\nog en til"},
				"erfaring": {"Lidt"}, "emner": {"Ledelse", "Økonomi"}, "optagelse": {"yes"}},
		}
		r := v.only()
		got := deltag.SignUpRequest{Name: r.Name, Email: r.Email, Organisation: r.Organisation, JobTitle: r.JobTitle,
			AllowsNews: r.AsksForNews, Language: r.Language, Answers: r.Answers}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
	t.Run("PlainFormOfAnotherSiteNeedsNothingHidden", func(t *testing.T) {
		v := newClient(t, webinar())
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk", "updates", "on").
			redirectsTo("/e/samskabelse/thanks")
		if r := v.only(); !r.AsksForNews || r.Language != deltag.LanguageDanish {
			t.Errorf("stored updates %v, language %q; want true, da", r.AsksForNews, r.Language)
		}
	})
	t.Run("ConsentIsOnlyWhatSaysYes", func(t *testing.T) {
		for _, value := range []string{"", "no", "false", "0", "off"} {
			v := newClient(t, webinar())
			v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk", "updates", value).
				want(http.StatusSeeOther)
			if v.only().AsksForNews {
				t.Errorf("updates=%q was taken for a consent", value)
			}
		}
	})
	t.Run("LanguageShownIsTheLanguageOfTheMails", func(t *testing.T) {
		v := newClient(t, webinar())
		v.post(signUpPath, "language", "en", "name", "Anna Holm", "email", "anna@example.dk").
			redirectsTo("/e/samskabelse/thanks?lang=en")
		if got := v.only().Language; got != deltag.LanguageEnglish {
			t.Errorf("stored language %q, want en", got)
		}
	})
	t.Run("AnswerIsTheSameForKnownAndUnknownAddresses", func(t *testing.T) {
		for name, e := range map[string]deltag.Event{"Unlimited": webinar(), "Limited": limited(webinar(), 1, true)} {
			t.Run(name, func(t *testing.T) {
				e.Verify = deltag.VerifyNever // a network's share of one seat is used up by the first
				v := newClient(t, e)
				fill := func(email string) response { return v.post(signUpPath, "name", "Anna Holm", "email", email) }
				first, repeated, other := fill("anna@example.dk"), fill("ANNA@example.dk"), fill("bo@example.dk")
				honeypot := v.post(signUpPath,
					"name", "Anna Holm", "email", "carl@example.dk", "homepage", "https://spam.example.org")
				for name, a := range map[string]response{
					"repeated": repeated, "waiting or new": other, "honeypot": honeypot,
				} {
					if diff := cmp.Diff(first.Header, a.Header); diff != "" || a.text != first.text ||
						a.StatusCode != first.StatusCode {
						t.Errorf("the answer to a %s sign-up differs:\n%s", name, diff)
					}
				}
				if n := len(v.registrations()); n != 2 {
					t.Errorf("%d registrations, want 2: what fills in the honeypot is not stored", n)
				}
			})
		}
	})
	t.Run("ThanksOfUnlimitedEventPromisesAPlace", func(t *testing.T) {
		newClient(t, webinar()).get("/e/samskabelse/thanks").want(http.StatusOK).hasText("h1", "Tak, du er tilmeldt")
	})
	t.Run("ThanksShortlyBeforeTheStartPromisesNoReminder", func(t *testing.T) {
		v := newClient(t, webinar())
		v.now = starts.Add(-time.Hour - 1)
		v.get("/e/samskabelse/thanks").hasText(".steps", "Vi minder dig om det")
		for _, at := range []time.Duration{-time.Hour, 0, 30 * time.Minute} {
			v.now = starts.Add(at)
			v.get("/e/samskabelse/thanks").hasText(".steps", "Linket til mødet står i mailen.").
				hasNot(`.steps:contains("minder")`)
		}
		v = newClient(t, limited(webinar(), 1, true))
		v.now = starts
		v.get("/e/samskabelse/thanks").hasText(".steps", "Har du en plads, står linket til mødet i mailen.")
	})
	t.Run("ThanksOfLimitedEventPromisesNoPlace", func(t *testing.T) {
		newClient(t, limited(webinar(), 1, true)).get("/e/samskabelse/thanks").want(http.StatusOK).
			hasText("h1", "Tak, vi har din tilmelding").hasText(".done", "om du har en plads eller står på ventelisten")
	})
	t.Run("FullEventWithoutWaitingListSaysSo", func(t *testing.T) {
		e := limited(webinar(), 1, false)
		v := newClient(t, e)
		v.addRegistration(e, "Anna Holm")
		v.post(signUpPath, "name", "Bo Lund", "email", "bo@example.dk").want(http.StatusConflict).
			hasText("title", "Fejl: Samskabelse").hasText(".alert[role=alert]", "Alle pladser er optaget").
			has(`input#name[value="Bo Lund"]`).has(`input#email[value="bo@example.dk"]`).
			hasText(".facts", "Alle pladser er optaget").hasText("form button", "Tilmeld mig").hasNot(".hintbox")
		v.only()
	})
	t.Run("EventClosedSinceTheFormWasOpenedIsClosed", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		v.get("/e/samskabelse").has("form")
		v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventClosed })
		v.wantUnchanged(func() {
			v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").want(http.StatusConflict).
				hasText(".notice", "Tilmeldingen er lukket")
		})
	})
	t.Run("WithinAFrameStaysInIt", func(t *testing.T) {
		v := newClient(t, webinar())
		a := v.get("/e/samskabelse/embed").want(http.StatusOK).has(`input[name=embed][value=yes]`).hasNot("header.top")
		wantContentSecurityPolicy(t, a, "frame-ancestors *")
		wantContentSecurityPolicy(t, a, "script-src 'sha256-")
		a = v.post(signUpPath, "embed", "yes", "name", "", "email", "").want(http.StatusUnprocessableEntity).
			hasNot("header.top").has(".alert[role=alert]").hasNot("[autofocus]") // which browsers refuse in a frame
		wantContentSecurityPolicy(t, a, "frame-ancestors *")
		v.post(signUpPath, "embed", "yes", "language", "en", "name", "Anna Holm", "email", "anna@example.dk").
			redirectsTo("/e/samskabelse/thanks?embed=yes&lang=en")
		a = v.get("/e/samskabelse/thanks?embed=yes&lang=en").want(http.StatusOK).hasNot("header.top").
			has(`a.switch[href="/e/samskabelse/thanks?embed=yes&lang=da"]`)
		wantContentSecurityPolicy(t, a, "frame-ancestors *")
	})
}

func TestErrorsWithinAFrameLinkToWhatMayBeFramed(t *testing.T) {
	a := newClient(t, webinar()).send(
		"POST", "/e/samskabelse/registrations?embed", "text/plain", "x",
	).want(http.StatusUnsupportedMediaType)
	a.has(`main a[href="/e/samskabelse/embed"]`).has(`a.switch[href="/e/samskabelse/embed?lang=en"]`)
	if n := a.doc.Find("a").Length(); n != 2 {
		t.Errorf("%d links", n)
	}
}

// TestSignUpThatClosesMeanwhile: the moment at which a form arrives decides.
func TestSignUpThatClosesMeanwhile(t *testing.T) {
	e := webinar()
	e.SignUpClosesAt = before.Add(time.Second)
	v := newClient(t, e)
	asked := 0
	v.site = New(Options{
		Store: v.store, BaseURL: "https://deltag.example.dk", Build: "test",
		Now: func() time.Time {
			asked++
			return before.Add(time.Duration(asked-1) * 2 * time.Second)
		},
		Log: slog.New(slog.NewTextHandler(&v.log, nil)),
	})
	v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").want(http.StatusSeeOther)
	v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").want(http.StatusConflict).hasText("title", "Fejl:")
}

func TestSignUpErrors(t *testing.T) {
	v := newClient(t, webinar())
	t.Run("NameTheFieldInTheReadersLanguage", func(t *testing.T) {
		a := v.post(signUpPath, "name", "", "email", "anna@example,dk").want(http.StatusUnprocessableEntity)
		a.hasText("title", "Fejl: Samskabelse på dagsorden")
		a.has(`.alert[role=alert][tabindex="-1"][autofocus]`).hasText(`.alert a[href="#name"]`, "Skriv dit navn.").
			hasText(`.alert a[href="#email"]`, "Der står et komma efter @.")
		a.has(`input#name[aria-invalid=true][aria-describedby="name.fault"]`).
			hasText(`[id="name.fault"]`, "Skriv dit navn.")
		a.has(`input#email[aria-invalid=true][aria-describedby="email.hint email.fault"]`)
		a.hasNot(`input#role[aria-invalid]`)
		a = v.post(signUpPath, "language", "en", "name", "", "email", "anna@example,dk").
			want(http.StatusUnprocessableEntity)
		a.hasText(`.alert a[href="#name"]`, "Enter your name.").hasText("title", "Error:")
	})
	t.Run("KeepWhatWasTyped", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		v := newClient(t, e)
		a := v.post(signUpPath, "name", `<b>"Anna"</b>`, "email", "anna", "organisation", "Eksempel & Co",
			"role", "Leder", "updates", "yes", "answers.bidrag", "\"Første\"\r\nAnden",
			"answers.erfaring", "Lidt", "answers.emner", "Økonomi").
			want(http.StatusUnprocessableEntity)
		for field, want := range map[string]string{"name": `<b>"Anna"</b>`, "email": "anna",
			"organisation": "Eksempel & Co", "role": "Leder"} {
			if got := a.doc.Find("input#"+field).AttrOr("value", ""); got != want {
				t.Errorf("%s keeps %q, want %q", field, got, want)
			}
		}
		if got := a.doc.Find("textarea").Text(); got != "\"Første\"\nAnden" {
			t.Errorf("the long answer keeps %q", got)
		}
		a.has(`input[value="Lidt"][checked]`).has(`input[value="Økonomi"][checked]`).
			hasNot(`input[value="Ledelse"][checked]`).has(`input#updates[checked]`)
		a.hasText(`.alert a[href="#answers.kommune"]`, "Hvilken kommune kommer du fra? – Udfyld feltet.").
			hasText(`.alert a[href="#answers.optagelse"]`, "Sæt kryds")
	})
	t.Run("NameTheFieldUnlessTheWordsDo", func(t *testing.T) {
		a := v.post(signUpPath, "name", "www.bad.example", "email", "anna", "organisation", strings.Repeat("o", 201),
			"role", "Le\u200bder").want(http.StatusUnprocessableEntity)
		for field, want := range map[string]string{
			"name":         "Skriv kun dit navn, uden links og mailadresser, og med mellemrum efter punktummer.",
			"email":        "Der mangler et @ i mailadressen. Skriv den som navn@firma.dk.",
			"organisation": "Organisation – Der er kun plads til 200 tegn. Gør teksten kortere.",
			"role":         "Stilling – Der er usynlige tegn i teksten. Slet den, og skriv den igen.",
		} {
			if got := a.doc.Find(`.alert a[href="#` + field + `"]`).Text(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
	t.Run("MarkTheLanguageOfTheOrganisersQuestions", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()
		v := newClient(t, e)
		a := v.post(signUpPath, "language", "en", "name", "Anna Holm").want(http.StatusUnprocessableEntity)
		for _, text := range []string{"Hvilken kommune", "Hvor meget har", "Lidt", "Hvilke emner", "Økonomi", "Jeg er indforstået"} {
			if a.doc.Find(`form [lang=da]:contains("`+text+`")`).Length() != 1 {
				t.Errorf("%q is not marked as Danish", text)
			}
		}
		a.has(`.alert a[href="#answers.kommune"] [lang=da]:contains("Hvilken kommune")`).has(`label[for=name] span:not([lang])`)
		v.get("/e/samskabelse").hasNot("main [lang]:not(.kicker):not(.jump):not(div)")
		for _, path := range []string{"/e/samskabelse/thanks", "/e/samskabelse/link"} {
			v.get(path + "?lang=en").has(`.brief strong[lang=da]`)
		}
		v.get("/e/samskabelse/embed?lang=en").has(`h1[lang=da]`)
	})
	for name, tt := range map[string]struct{ field, value, code string }{
		"NUL":               {"name", "Anna\x00Holm", "bad-characters"},
		"LineBreakInName":   {"name", "Anna\r\nBcc: bo@example.dk", "bad-characters"},
		"NameTooLong":       {"name", strings.Repeat("æ", 10_000), "too-long"},
		"RoleTooLong":       {"role", strings.Repeat("r", 201), "too-long"},
		"EmailMissing":      {"email", "", "email.missing"},
		"EmailTooLong":      {"email", strings.Repeat("a", 300) + "@example.dk", "address-too-long"},
		"EmailWithHeader":   {"email", "anna@example.dk\r\nBcc: bo@example.dk", "email.bad-characters"},
		"EmailLocalLetters": {"email", "søren@example.dk", "address-local-letters"},
	} {
		t.Run("Refuse"+name, func(t *testing.T) {
			form := map[string]string{"name": "Anna Holm", "email": "anna@example.dk", tt.field: tt.value}
			limit := map[string]string{"too-long": "200", "address-too-long": "254"}[tt.code]
			want := strings.ReplaceAll(i18n.For(deltag.LanguageDanish).Text("error."+tt.code), "{limit}", limit)
			v.post(signUpPath, "name", form["name"], "email", form["email"], "role", form["role"]).
				want(http.StatusUnprocessableEntity).hasText(`.alert a[href="#`+tt.field+`"]`, want)
		})
	}
	t.Run("RefuseAnOptionThatIsNone", func(t *testing.T) {
		e := webinar()
		e.Questions = questions()[2:3]
		v := newClient(t, e)
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk", "answers.erfaring", "Alt").
			want(http.StatusUnprocessableEntity).
			has(`fieldset[role=radiogroup][aria-invalid=true][aria-describedby="answers.erfaring.fault"]`)
	})
	if len(v.registrations()) > 0 {
		t.Error("a refused form was stored")
	}
}

func TestSignUpWithoutStore(t *testing.T) {
	fill := []string{"language", "en", "name", "Anna Holm", "email", "anna@example.dk",
		"organisation", `"Eksempel" & Co`}
	t.Run("KeepsTheFormAndSaysPressingAgainIsSafe", func(t *testing.T) {
		v := newClient(t, webinar())
		v.store.onWrite = always(deltag.ErrUnavailable)
		a := v.post(signUpPath, fill...).want(http.StatusServiceUnavailable)
		a.hasText(".alert[role=alert]", "you will not be signed up twice").
			has(`form[action="` + signUpPath + `"] input#name[value="Anna Holm"]`).
			has(`input#email[value="anna@example.dk"]`)
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("KeepsWhatWasTypedEvenWithoutTheEvent", func(t *testing.T) {
		v := newClient(t, webinar())
		v.store.fail(deltag.ErrUnavailable)
		a := v.post(signUpPath, fill...).want(http.StatusServiceUnavailable)
		a.has(`form[method=post][action="` + signUpPath + `"]`).
			has(`input[type=hidden][name=name][value="Anna Holm"]`).has(`html[lang=en]`)
		if got := a.doc.Find(`input[name=organisation]`).AttrOr("value", ""); got != `"Eksempel" & Co` {
			t.Errorf("organisation keeps %q", got)
		}
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("LogsNothingPersonal", func(t *testing.T) {
		v := newClient(t, webinar())
		v.store.fail(deltag.ErrUnavailable)
		v.post(signUpPath, fill...)
		if log := v.log.String(); !strings.Contains(log, "store unavailable") || strings.Contains(log, "anna") ||
			strings.Contains(log, "Anna") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestBadBodies(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, tt := range map[string]struct {
		contentType, body string
		status            int
	}{
		"Over64KiB":         {form, "name=" + strings.Repeat("a", 64<<10), http.StatusRequestEntityTooLarge},
		"JSON":              {"application/json", `{"name":"Anna"}`, http.StatusUnsupportedMediaType},
		"Multipart":         {"multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		"NoContentType":     {"", "name=Anna", http.StatusUnsupportedMediaType},
		"BrokenContentType": {"a/b/c;;", "name=Anna", http.StatusUnsupportedMediaType},
		"BadUTF8":           {form, "name=Anna\xff", http.StatusBadRequest},
		"BadUTF8Encoded":    {form, "name=Anna%ff", http.StatusBadRequest},
		"BadUTF8InName":     {form, "na%ffme=Anna", http.StatusBadRequest},
		"BadEncoding":       {form, "name=%zz", http.StatusBadRequest},
		"Empty":             {"", "", http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			v := newClient(t, webinar())
			v.wantUnchanged(func() {
				v.send("POST", signUpPath, tt.contentType, tt.body).want(tt.status).
					has(`main a[href="/e/samskabelse"], form[action="` + signUpPath + `"]`)
			})
		})
	}
	t.Run("JustUnder64KiBIsRead", func(t *testing.T) {
		newClient(t, webinar()).send("POST", signUpPath, form+"; charset=UTF-8",
			"name="+strings.Repeat("a", 64<<10-5)).want(http.StatusUnprocessableEntity)
	})
}
