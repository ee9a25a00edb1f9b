package mailtmpl_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/mailtmpl"
	"deltag/internal/testing/golden"
)

// forEachCase runs check on every case in every language.
func forEachCase(t *testing.T, check func(t *testing.T, s mailCase, r parsedMail)) {
	t.Helper()
	for _, l := range deltag.Languages {
		all := mailCases(l)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			t.Run(name+"-"+string(l), func(t *testing.T) { check(t, all[name], render(t, all[name])) })
		}
	}
}

// boundary matches the random boundaries between the parts.
var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

// numberBoundaries makes two renderings of a mail equal.
func numberBoundaries(raw []byte) string {
	names := map[string]string{}
	return boundary.ReplaceAllStringFunc(string(raw), func(b string) string {
		if names[b] == "" {
			names[b] = "boundary-" + string(rune('1'+len(names)))
		}
		return names[b]
	})
}

func TestGolden(t *testing.T) {
	forEachCase(t, func(t *testing.T, _ mailCase, r parsedMail) {
		name := strings.TrimPrefix(t.Name(), "TestGolden/")
		golden.Compare(t, name+".eml", numberBoundaries(r.raw))
		if r.ics != "" {
			golden.Compare(t, name+".ics", r.ics)
		}
	})
}

func TestEveryKindHasACase(t *testing.T) {
	covered := map[deltag.MailKind]bool{}
	for _, s := range mailCases(deltag.LanguageDanish) {
		covered[s.Kind] = true
	}
	kinds := []deltag.MailKind{
		deltag.KindConfirmation, deltag.KindWaitlisted, deltag.KindPromoted, deltag.KindRegistrationCancelled,
		deltag.KindMoved, deltag.KindChanged, deltag.KindEventCancelled, deltag.KindFollowUpAttended,
		deltag.KindFollowUpMissed, deltag.KindMessage, deltag.KindVerification,
	}
	for _, r := range deltag.DefaultScheduledMails() {
		kinds = append(kinds, r.Kind)
	}
	for _, k := range kinds {
		if !covered[k] {
			t.Errorf("no golden file for %s", k)
		}
	}
}

func isNotPlainASCII(c rune) bool { return c < ' ' && c != '\t' || c > '~' }

func TestLinesAndHeaderNames(t *testing.T) {
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		head, _, _ := strings.Cut(string(r.raw), "\r\n\r\n")
		for i, line := range strings.Split(strings.TrimSuffix(string(r.raw), "\r\n"), "\r\n") {
			if strings.ContainsFunc(line, isNotPlainASCII) {
				t.Errorf("line %d is not plain ASCII: %q", i, line)
			}
			// RFC 5322, section 2.1.1, recommends 78; a single long word cannot be folded.
			if len(line) > 78 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("line %d has %d octets: %q", i, len(line), line)
			}
		}
		want := []string{
			"Content-Language", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To",
		}
		if !s.Kind.IsAccountKind() { // which is no person's
			want = append(want, "Reply-To")
		}
		if s.Kind != deltag.KindMessage {
			want = append(want, "Auto-Submitted", "X-Auto-Response-Suppress")
		}
		if s.Kind.IsUnsubscribable() {
			want = append(want, "List-Unsubscribe", "List-Unsubscribe-Post")
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(r.header))); diff != "" {
			t.Errorf("headers (-want +got):\n%s\n%s", diff, head)
		}
	})
}

func TestHeaders(t *testing.T) {
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		if s.Kind.IsAccountKind() {
			return // see TestAccountMail
		}
		if got := r.address(t, "From"); got.Name != "UKON" || got.Address != "tilmelding@mail.example.dk" {
			t.Errorf("From %v", got)
		}
		if got := r.address(t, "Reply-To"); got.Name != "UKON" || got.Address != "hej@ukon.example.dk" {
			t.Errorf("Reply-To %v", got)
		}
		name, address := "Mette Østergård", "Mette@example.dk"
		switch s.Kind {
		case deltag.KindVerification:
			name = ""
		case deltag.KindOrganiserNote:
			name, address = "UKON", "hej@ukon.example.dk"
		}
		if got := r.address(t, "To"); got.Name != name || got.Address != address {
			t.Errorf("To %v", got)
		}
		if got := r.header.Get("Content-Language"); got != string(s.Registration.Language) {
			t.Errorf("Content-Language %q", got)
		}
		if got := r.decoded(t, "Subject"); !strings.Contains(got, s.Event.Title) {
			t.Errorf("Subject %q", got)
		}
		if got, err := r.header.Date(); err != nil || !got.Equal(s.at) {
			t.Errorf("Date %v, %v", got, err)
		}
		if !s.Kind.IsUnsubscribable() {
			return
		}
		if got, want := r.header.Get("List-Unsubscribe"), "<"+unsubscribeURL(s)+">"; got != want {
			t.Errorf("List-Unsubscribe %q, want %q", got, want)
		}
		if got := r.header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
			t.Errorf("List-Unsubscribe-Post %q", got)
		}
	})
}

func TestParts(t *testing.T) {
	const plain = "multipart/alternative{text/plain text/html}"
	const invited = "multipart/mixed{multipart/alternative{text/plain text/html text/calendar} application/ics}"
	want := map[string]string{
		"confirmation": "REQUEST", "confirmation-news": "REQUEST",
		"confirmation-added": "REQUEST", "confirmation-by-hand": "REQUEST",
		"confirmation-text": "REQUEST", "promoted-text": "REQUEST",
		"confirmation-soon": "REQUEST", "confirmation-running": "REQUEST",
		"promoted": "REQUEST", "moved": "REQUEST", "changed": "REQUEST",
		"withdrawn": "CANCEL", "cancelled": "CANCEL", "readdressed": "CANCEL", "erased": "CANCEL",
	}
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		name := strings.TrimPrefix(t.Name(), "TestParts/")
		method := want[name[:len(name)-len("-da")]]
		if method == "" {
			if r.shape != plain {
				t.Errorf("%s, want %s", r.shape, plain)
			}
			return
		}
		if r.shape != invited {
			t.Fatalf("%s, want %s", r.shape, invited)
		}
		file, e := r.calendar(t)
		if got := file.Props.Get("METHOD").Value; got != method || r.method != method {
			t.Errorf("METHOD %q in the file and %q in the header, want %q", got, r.method, method)
		}
		if r.file != r.ics || r.name != "invitation.ics" {
			t.Errorf("the attachment %q is not the invitation:\n%s", r.name, r.file)
		}
		at, err := e.DateTimeStart(time.Local)
		if err != nil || !at.Equal(start) {
			t.Errorf("starts at %v, %v", at, err)
		}
		location := e.Props.Get("LOCATION")
		if joins := location != nil && location.Value == joinURL(s); joins != (method == "REQUEST") {
			t.Errorf("the calendar entry has the join link: %v", joins)
		}
	})
}

// TestVerification: the address may be a stranger's, who is to learn nothing, and to have one link.
func TestVerification(t *testing.T) {
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		if s.Kind != deltag.KindVerification {
			return
		}
		link := renderer.BaseURL + "/r/" + s.Registration.LinkToken(deltag.PurposeVerify)
		for form, body := range map[string]string{"text": r.text, "html": r.html} {
			if n := strings.Count(body, renderer.BaseURL); n != 1 || !strings.Contains(body, link) {
				t.Errorf("%s: %d links, want the one to %s", form, n, link)
			}
			for _, typed := range []string{"Mette", "Nybo", "Solbæk", "Afdelingsleder", "mandag morgen"} {
				if strings.Contains(body, typed) {
					t.Errorf("%s repeats %q", form, typed)
				}
			}
			text := oneSpaced(body)
			isTicked := strings.Contains(text, "may write to you") || strings.Contains(text, "må skrive til dig")
			if isTicked != s.Registration.AsksForNews {
				t.Errorf("%s says that news was ticked: %v", form, isTicked)
			}
		}
	})
}

// oneSpaced undoes the wrapping of lines.
func oneSpaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestOrganiserMail: the organiser has no registration, hence no personal links; their reminder links to the meeting.
func TestOrganiserMail(t *testing.T) {
	e := event()
	due := start.Add(-time.Hour)
	r := render(t, mailCase{deltag.MailContext{
		Event: e, Registration: *deltag.NewOrganiserDelivery(e, "reminder-PT1H", 1, due).DetachedRecipient,
		Kind: "reminder-PT1H", Version: 1, DueAt: due, Text: "Kære {name}: {link}",
	}, due})
	for form, body := range map[string]string{"text": r.text, "html": r.html} {
		if !strings.Contains(body, e.JoinURL) || !strings.Contains(body, "arrangør") {
			t.Errorf("%s: no link to the meeting, or no reason for the mail: %s", form, body)
		}
		for _, personal := range []string{"/r/", "/join/", "/unsubscribe/"} {
			if strings.Contains(body, personal) {
				t.Errorf("%s: a link to %s, which does not exist", form, personal)
			}
		}
	}
	if r.header.Get("To") != `"UKON" <hej@ukon.example.dk>` || r.header.Get("List-Unsubscribe") != "" {
		t.Errorf("%v", r.header)
	}
}

// TestOrganiserNote lists whom it is about, and has no links: not even the addresses.
func TestOrganiserNote(t *testing.T) {
	note := mailCases(deltag.LanguageEnglish)["organiser-note"]
	listed := &note.Noted[0]
	listed.Name, listed.Email.Original = "Anna <b>{link}</b>\r\nBcc: x@example.org", "anna@example.dk"
	r := render(t, note)
	for _, listed := range []string{"Anna <b>{link}</b>", "anna@example.dk", "Mette@example.dk"} {
		if !strings.Contains(r.text, listed) {
			t.Errorf("text without %q: %s", listed, r.text)
		}
	}
	if strings.Contains(r.html, "<b>") || strings.Contains(r.html, "<a ") || r.header.Get("Bcc") != "" {
		t.Errorf("%s", r.html)
	}
}

// TestAccountMail is to a member, from nobody in particular, about no event.
func TestAccountMail(t *testing.T) {
	for name, link := range map[string]string{
		"sign-in":        "https://deltag.example.dk/organiser/sign-in/",
		"member-invited": "https://deltag.example.dk/organiser/sign-in",
	} {
		s := mailCases(deltag.LanguageEnglish)[name]
		if name == "sign-in" {
			link += deltag.SignInToken(s.Registration.ID, s.Registration.Secret, s.Version)
		}
		r := render(t, s)
		if got := r.address(t, "From"); got.Name != "Deltag" || got.Address != "tilmelding@mail.example.dk" {
			t.Errorf("%s: From %v", name, got)
		}
		if got := r.address(t, "To"); got.Name != "" || got.Address != "Mette@example.dk" {
			t.Errorf("%s: To %v", name, got)
		}
		if page := r.page(t); page.Find(".leaf, .facts").Length() > 0 || page.Find("a").Length() != 1 ||
			page.Find("a").AttrOr("href", "") != link || !strings.Contains(r.text, "\n"+link+"\n") {
			t.Errorf("%s: an event, or another link than %s:\n%s", name, link, r.html)
		}
	}
	until := early.Add(deltag.SignInLinkPeriod).In(event().Zone()).Format("15:04")
	if r := render(t, mailCases(deltag.LanguageEnglish)["sign-in"]); !strings.Contains(r.text, "until "+until) {
		t.Errorf("it does not say until when:\n%s", r.text)
	}
}

func TestLinks(t *testing.T) {
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		hasPage := !s.Kind.IsFinal() && !s.Kind.IsAccountKind() && s.Kind != deltag.KindVerification &&
			s.Kind != deltag.KindOrganiserNote
		for form, body := range map[string]string{"text": r.text, "html": r.html} {
			if got := strings.Contains(body, manageURL(s)); got != hasPage {
				t.Errorf("%s: link to the personal page %v", form, got)
			}
			want := s.Event.Status != deltag.EventCancelled && s.IncludesJoinLink(s.at)
			if got := strings.Contains(body, joinURL(s)); got != want {
				t.Errorf("%s: link to the join page %v, want %v", form, got, want)
			}
			if got := strings.Contains(body, unsubscribeURL(s)); got != s.Kind.IsUnsubscribable() {
				t.Errorf("%s: link to unsubscribe %v", form, got)
			}
			if strings.Contains(body+r.ics, "meet.example.org") {
				t.Errorf("%s: the meeting's own address is in it", form)
			}
		}
	})
}

func TestPlainText(t *testing.T) {
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		for line := range strings.SplitSeq(r.text, "\n") {
			if utf8.RuneCountInString(line) > 72 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("long line %q", line)
			}
		}
		if regexp.MustCompile(`<[a-z/]|&[a-z#0-9]+;|\n\n\n|\{|\bmail\.[a-z]`).MatchString(r.text) {
			t.Errorf("markup, an unfilled placeholder or an unknown key:\n%s", r.text)
		}
	})
}

// TestTimesAreNotBroken: "kl." stands on the line of its time.
func TestTimesAreNotBroken(t *testing.T) {
	times := 0
	for name, s := range mailCases(deltag.LanguageDanish) {
		r := render(t, s)
		times += strings.Count(r.text, "kl.\u00a0")
		for _, part := range []string{r.text, r.page(t).Find("body").Text()} {
			if strings.Contains(part, "kl. ") || strings.Contains(part, "kl.\n") {
				t.Errorf("%s: a time can be broken:\n%s", name, part)
			}
		}
	}
	if times == 0 {
		t.Error("no mail says a time")
	}
}

func TestHTML(t *testing.T) {
	forEachCase(t, func(t *testing.T, s mailCase, r parsedMail) {
		if len(r.html) > 60_000 {
			t.Errorf("%d bytes", len(r.html))
		}
		_, body, _ := strings.Cut(r.html, "<body")
		if bad := regexp.MustCompile(`ZgotmplZ|\{|\bmail\.[a-z]`).FindString(body); bad != "" {
			t.Errorf("contains %q:\n%s", bad, body)
		}
		page := r.page(t)
		if got := page.Find("html").AttrOr("lang", ""); got != string(s.Registration.Language) {
			t.Errorf("lang %q", got)
		}
		if n := page.Find("h1").Length(); n != 1 {
			t.Errorf("%d h1", n)
		}
		foreign := s.Registration.Language != s.Event.Language && !s.Kind.IsAccountKind()
		if got := page.Find("h2[lang=da]").Length() > 0; got != foreign {
			t.Errorf("the title's language is marked: %v", got)
		}
		remote := page.Find("img, link, script, iframe, video, [src], [background]").Length()
		if remote > 0 || strings.Contains(r.html, "url(") {
			t.Errorf("%d remote resources", remote)
		}
		page.Find("table").Each(func(_ int, table *goquery.Selection) {
			if table.AttrOr("role", "") != "presentation" {
				t.Error("a table that screen readers would read as one")
			}
		})
		page.Find("a").Each(func(_ int, a *goquery.Selection) {
			if strings.TrimSpace(a.Text()) == "" || !strings.HasPrefix(a.AttrOr("href", ""), "https://") {
				t.Errorf("link %q to %q", a.Text(), a.AttrOr("href", ""))
			}
		})
		declared := page.Find(`meta[name="color-scheme"]`).Length() == 1
		if !declared || !strings.Contains(r.html, "prefers-color-scheme: dark") {
			t.Error("no dark colours")
		}
	})
}

// singleSpaced has one space for each run of spaces and line breaks, non-breaking ones too.
func singleSpaced(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestWording(t *testing.T) {
	danish, english := mailCases(deltag.LanguageDanish), mailCases(deltag.LanguageEnglish)
	wantWords := func(t *testing.T, s mailCase, want ...string) {
		t.Helper()
		r := render(t, s)
		for _, w := range want {
			if !strings.Contains(singleSpaced(r.text), w) {
				t.Errorf("text does not say %q:\n%s", w, r.text)
			}
			if !strings.Contains(singleSpaced(r.page(t).Find("body").Text()), w) {
				t.Errorf("html does not say %q", w)
			}
		}
	}
	t.Run("ALateSignUpReadsTheMinutesLeft", func(t *testing.T) {
		wantWords(t, danish["confirmation-soon"], "Vi begynder om 30 minutter. Døren åbner kl. 13.45.")
		wantWords(t, english["confirmation-soon"], "We begin in 30 minutes. The door opens at 13:45.")
		wantWords(t, danish["confirmation-running"], "Vi er i gang, og du kan stadig være med.")
	})
	t.Run("ReminderHasTimeAndDoor", func(t *testing.T) {
		wantWords(t, danish["reminder-P1D"], "Tirsdag den 1. december 2026 kl. 14.00–15.00 (dansk tid)")
		wantWords(t, english["reminder-PT10M"], "We begin in 10 minutes", "The door is open, so you can go in now.")
	})
	t.Run("AWaitlistMailHasThePositionIfKnown", func(t *testing.T) {
		s := danish["waiting"]
		wantWords(t, s, "du er nummer 3 i køen")
		s.WaitlistPosition = 0
		wantWords(t, s, "du har en plads i køen")
	})
	t.Run("TimesAreInTheEventsZone", func(t *testing.T) {
		s := english["confirmation"]
		s.Event.TimeZone = "America/New_York"
		wantWords(t, s, "Tuesday 1 December 2026, 08:00–09:00 (New York time, EST)")
		s.Event.StartsAt = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
		s.Event.EndsAt = s.Event.StartsAt.Add(time.Hour)
		wantWords(t, s, "Wednesday 1 July 2026, 08:00–09:00 (New York time, EDT)")
	})
	t.Run("ANoticeOfANearMoveHasTheJoinLink", func(t *testing.T) {
		s := danish["moved"]
		s.at = soon
		wantWords(t, s, "UKON har flyttet arrangementet", "Vi begynder om 30 minutter.", "Gå til mødet")
	})
	t.Run("AChangeNoticeSaysHowItWas", func(t *testing.T) {
		wantWords(t, danish["moved"], "Før: onsdag den 2. december 2026 kl. 16.00–17.00 (dansk tid).")
		wantWords(t, danish["changed"], "Før hed det »Velfærd«.")
		both := danish["moved"]
		both.Event.LatestNotice.Before.Title = "Velfærd"
		wantWords(t, both, "Før: onsdag den 2. december", "Før hed det »Velfærd«.")
		for name, notice := range map[string]deltag.Notice{
			"Back": {Kind: deltag.KindMoved, Before: deltag.CalendarDetails{
				Title: both.Event.Title, StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Copenhagen",
			}},
			"Other": {Kind: deltag.KindChanged, Before: both.Event.LatestNotice.Before},
		} {
			s := danish["moved"]
			s.Event.LatestNotice = notice
			if r := render(t, s); strings.Contains(r.text, "Før") {
				t.Errorf("%s:\n%s", name, r.text)
			}
		}
	})
	t.Run("AReminderSaysWhenTheEventIsFromWhenItIsSent", func(t *testing.T) {
		for before, want := range map[time.Duration][2]string{
			7 * 24 * time.Hour:           {"Om 7 dage: ", "Vi begynder om 7 dage"},
			30*time.Hour + 5*time.Minute: {"I morgen kl. 14.00: ", "Vi ses i morgen"},
			40 * time.Hour:               {"Om 40 timer: ", "Vi begynder om 40 timer"}, // two evenings before
			24 * time.Hour:               {"I morgen kl. 14.00: ", "Vi ses i morgen"},
			24*time.Hour - 2*time.Minute: {"I morgen kl. 14.00: ", "Vi ses i morgen"},
			14*time.Hour + time.Minute:   {"I morgen kl. 14.00: ", "Vi ses i morgen"},
			14*time.Hour - time.Minute:   {"Kl. 14.00: ", "Vi begynder om 14 timer"},
			time.Hour:                    {"Kl. 14.00: ", "Vi begynder om 1 time"},
			58 * time.Minute:             {"Kl. 14.00: ", "Vi begynder om 58 minutter"},
			10 * time.Minute:             {"Om lidt kl. 14.00: ", "Vi begynder om 10 minutter"},
		} {
			s := danish["reminder-P1D"]
			s.at = start.Add(-before)
			r := render(t, s)
			subject := r.decoded(t, "Subject")
			if heading := r.page(t).Find("h1").Text(); subject != want[0]+s.Event.Title || heading != want[1] {
				t.Errorf("%v before: %q, %q", before, subject, heading)
			}
		}
		late := danish["reminder-PT10M"]
		late.Event.StartsAt = time.Date(2026, 12, 1, 23, 5, 0, 0, time.UTC) // 0.05 in Copenhagen
		late.at = late.Event.StartsAt.Add(-time.Hour)
		if got := render(t, late).decoded(t, "Subject"); !strings.HasPrefix(got, "Kl. 00.05: ") {
			t.Errorf("an hour before, after midnight: %q", got)
		}
	})
	t.Run("LeavingTheWaitlistIsNotCancellingASeat", func(t *testing.T) {
		wantWords(t, danish["withdrawn-waiting"], "Du står ikke længere på ventelisten")
		wantWords(t, danish["withdrawn"], "Du er afmeldt", "melde dig til igen")
	})
	t.Run("NoOfferToRejoinWhenSignUpIsClosed", func(t *testing.T) {
		s := danish["withdrawn"]
		s.Event.Status = deltag.EventClosed
		if r := render(t, s); strings.Contains(r.text, "igen") || r.page(t).Find("a.on").Length() > 0 {
			t.Errorf("it is offered:\n%s", r.text)
		}
	})
	t.Run("TheErasureDateIsNamed", func(t *testing.T) {
		wantWords(t, danish["confirmation"], "bliver slettet torsdag den 31. december 2026")
	})
	t.Run("OfTheFormOnlyTheNameIsMailed", func(t *testing.T) {
		for name, s := range danish {
			s.Registration.Organisation, s.Registration.JobTitle = "Køb på bad.example", "www.bad.example"
			s.Registration.Answers = map[string][]string{"why": {"https://bad.example"}, "field": {"bad.example/x"}}
			if r := render(t, s); strings.Contains(r.text+r.html, "bad.example") {
				t.Errorf("%s:\n%s", name, r.text)
			}
		}
	})
}

func TestCustomText(t *testing.T) {
	renderText := func(name, text string, at time.Time) (parsedMail, mailCase) {
		s := mailCases(deltag.LanguageDanish)[name]
		s.Text, s.at = text, at
		return render(t, s), s
	}
	t.Run("PlaceholdersAreFilledOnce", func(t *testing.T) {
		s := mailCases(deltag.LanguageDanish)["message"]
		s.Text, s.Registration.Name = "{name} / {titel} / {tidspunkt} / {nothing}", "{title}{link}"
		when := "tirsdag den 1. december 2026 kl. 14.00–15.00 (dansk tid)"
		want := "{title}{link} / " + s.Event.Title + " / " + when + " / {nothing}"
		r := render(t, s)
		if got := singleSpaced(r.text); !strings.Contains(got, want) {
			t.Errorf("text:\n%s", r.text)
		}
		if got := singleSpaced(r.page(t).Find("body").Text()); !strings.Contains(got, want) {
			t.Errorf("html: %s", got)
		}
	})
	t.Run("TheLinkPlaceholderIsTheButtonsLink", func(t *testing.T) {
		for at, want := range map[time.Time]func(mailCase) string{early: manageURL, soon: joinURL, after: manageURL} {
			r, s := renderText("message", "Herind: {link}.", at)
			if got := r.page(t).Find("p a").First().AttrOr("href", ""); got != want(s) {
				t.Errorf("at %v it links to %q", at, got)
			}
			if !strings.Contains(r.text, want(s)+".") {
				t.Errorf("text:\n%s", r.text)
			}
		}
	})
	t.Run("URLsBecomeLinksWithoutTheSentencesPunctuation", func(t *testing.T) {
		r, _ := renderText("message", "Se (https://ukon.example.dk/a?b=c&d=e), eller javascript:alert(1).", early)
		a := r.page(t).Find("p a").First()
		if got := a.AttrOr("href", ""); got != "https://ukon.example.dk/a?b=c&d=e" || a.Text() != got {
			t.Errorf("link %q to %q", a.Text(), got)
		}
		if strings.Contains(r.html, `href="javascript`) {
			t.Error("a script became a link")
		}
	})
	t.Run("MailAddressesBecomeLinksInHTML", func(t *testing.T) {
		r, _ := renderText("message", "Skriv til ole@example.dk.", early)
		if got := r.page(t).Find("p a").First(); got.AttrOr("href", "") != "mailto:ole@example.dk" {
			t.Errorf("link %q", got.AttrOr("href", ""))
		}
		if !strings.Contains(r.text, "Skriv til ole@example.dk.") {
			t.Errorf("text:\n%s", r.text)
		}
	})
	t.Run("ALinkInTheOrganisersWordsIsNotWrittenOutAgain", func(t *testing.T) {
		r, s := renderText("message", "Din indgang: {link}", early)
		if n := strings.Count(r.text, manageURL(s)); n != 1 || !strings.Contains(r.text, "Se din tilmelding (samme link).") {
			t.Errorf("%d times:\n%s", n, r.text)
		}
	})
	t.Run("BlankLinesMakeParagraphs", func(t *testing.T) {
		r, _ := renderText("followup-attended", "En\r\nto\r\n\r\n\r\ntre\n", after)
		if !strings.Contains(r.text, "En\nto\n\ntre\n\n") {
			t.Errorf("text:\n%s", r.text)
		}
		if !strings.Contains(r.html, ">En<br>to</p>") || !strings.Contains(r.html, ">tre</p>") {
			t.Errorf("html:\n%s", r.html)
		}
	})
	t.Run("NoSecondGreetingBesideTheOrganisers", func(t *testing.T) {
		for text, want := range map[string]int{"Hej {name}!": 1, "Hej {navn}!": 1, "Tak for i dag.": 1} {
			r, _ := renderText("followup-attended", text, after)
			if got := strings.Count(r.text, "Mette Østergård"); got != want {
				t.Errorf("%q greets %d times:\n%s", text, got, r.text)
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	s := mailCases(deltag.LanguageDanish)["confirmation"]
	t.Run("DomainsAreInASCII", func(t *testing.T) {
		s := s
		s.Registration.Email = deltag.Address{
			Original: "Mette@Blåbærgrød.dk", Normalized: "mette@xn--blbrgrd-fxak7p.dk",
		}
		s.Event.Organiser.Email = "hej@xn--blbrgrd-fxak7p.dk"
		r := render(t, s)
		if got := r.address(t, "To").Address; got != "Mette@xn--blbrgrd-fxak7p.dk" {
			t.Errorf("To %s", got)
		}
		if got := r.address(t, "Reply-To").Address; got != "hej@xn--blbrgrd-fxak7p.dk" {
			t.Errorf("Reply-To %s", got)
		}
	})
	t.Run("AnUnusableOrganiserAddressIsLeftOut", func(t *testing.T) {
		injected := "a@example.dk\r\nBcc: b@example.dk"
		for _, bad := range []string{"", "nobody", "a@b, c@example.dk", "Å@example.dk", injected} {
			s := s
			s.Event.Organiser.Email = bad
			if got := render(t, s).header.Get("Reply-To"); got != "" {
				t.Errorf("%q: Reply-To %q", bad, got)
			}
		}
	})
	t.Run("ABadSenderOrRecipientIsAnError", func(t *testing.T) {
		bad := &mailtmpl.Renderer{From: "no address", BaseURL: renderer.BaseURL}
		if _, err := bad.Render(s.MailContext, s.at); err == nil {
			t.Error("bad sender: no error")
		}
		s := s
		s.Registration.Email = deltag.Address{Original: "a b@example.dk", Normalized: "a b@example.dk"}
		if _, err := renderer.Render(s.MailContext, s.at); err == nil {
			t.Error("bad recipient: no error")
		}
	})
	t.Run("AnUnknownKindIsAnError", func(t *testing.T) {
		s := s
		s.Kind = "surprise"
		if _, err := renderer.Render(s.MailContext, s.at); err == nil {
			t.Error("no error")
		}
	})
}

func TestRenderConcurrently(t *testing.T) {
	s := mailCases(deltag.LanguageDanish)["confirmation"]
	want := numberBoundaries(render(t, s).raw)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if raw, err := renderer.Render(s.MailContext, s.at); err != nil || numberBoundaries(raw) != want {
				t.Errorf("not the same mail, %v", err)
			}
		})
	}
	wg.Wait()
}

func TestLargestMailFits(t *testing.T) {
	s := mailCases(deltag.LanguageDanish)["confirmation"]
	s.Event.Title, s.Event.Organiser.Name = strings.Repeat(`"`, deltag.MaxTitle), strings.Repeat(`"`, deltag.MaxName)
	s.Registration.Name = strings.Repeat(`"`, deltag.MaxName)
	reminder := mailCases(deltag.LanguageDanish)["reminder-P1D"]
	reminder.Text = strings.Repeat(`"`, deltag.MaxDescription)
	for _, s := range []mailCase{s, reminder} {
		if got := len(render(t, s).html); got > 60_000 {
			t.Errorf("%s: %d bytes of HTML", s.Kind, got)
		}
	}
}
