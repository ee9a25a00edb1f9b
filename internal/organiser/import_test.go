package organiser_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/spreadsheet"
)

// list reads a list as it was uploaded.
func list(t *testing.T, lines ...string) organiser.Import {
	t.Helper()
	table, err := spreadsheet.Read([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return organiser.Import{Table: table, Source: "Kommunens medarbejderliste"}
}

func (f fixture) plan(e deltag.Event, in organiser.Import) organiser.ImportPlan {
	f.t.Helper()
	plan, err := f.PlanImport(f.ctx, anna, e.ID, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return plan
}

func (f fixture) importAll(e deltag.Event, in organiser.Import) []organiser.ImportLine {
	f.t.Helper()
	part, err := f.Import(f.ctx, anna, e.ID, in, 0, func() bool { return false })
	if err != nil || !part.Done {
		f.t.Fatalf("done: %v, %v", part.Done, err)
	}
	return part.Lines
}

// statuses are "line status fault" of each line.
func statuses(lines []organiser.ImportLine) (all []string) {
	for _, l := range lines {
		text := fmt.Sprint(l.Line, " ", l.Status)
		for _, f := range l.Faults {
			text += " " + f.Field + ":" + f.Code
		}
		all = append(all, text)
	}
	return all
}

func TestMatchColumns(t *testing.T) {
	e := deltag.Event{Questions: []deltag.Question{{ID: "hvor", Label: "Hvor arbejder du?"}, {ID: "title", Label: "Din titel"}}}
	for heads, want := range map[string][]organiser.ImportField{
		"Navn;E-mail;Kommune;Stilling;Sprog":                       {"name", "email", "organisation", "role", "language"},
		"name;EMAIL;Company;Job title;language":                    {"name", "email", "organisation", "role", "language"},
		"Fornavn;Efternavn;Mail":                                   {"firstName", "lastName", "email"},
		"First Name;Last name;E-mail address":                      {"firstName", "lastName", "email"},
		"hvor arbejder du;Navn":                                    {"answers.hvor", "name"},
		"answers.hvor;HVOR;Titel":                                  {"answers.hvor", "", "role"},
		"title;Arbejdsplads":                                       {"answers.title", "organisation"},
		"Navn;navn;Telefon;E-mailadresse;Mailadresse;Organization": {"name", "", "", "email", "", "organisation"},
	} {
		t.Run(heads, func(t *testing.T) {
			header := spreadsheet.Row{Cells: strings.Split(heads, ";")}
			wantEqual(t, organiser.MatchColumns(e, header), want)
		})
	}
}

// TestPlanImport: the dry run says what becomes of each line, and stores nothing.
func TestPlanImport(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(func(e *deltag.Event) { e.Questions[0].Required = true })
	f.addRegistration(e, "kendt@example.dk")
	cancelled := f.addRegistration(e, "afbud@example.dk")
	erased := f.addRegistration(e, "slettet@example.dk")
	status := deltag.RegistrationCancelled
	_, _, err := f.EditRegistration(f.ctx, anna, e.ID, cancelled.ID, organiser.RegistrationEdit{Status: &status})
	wantError(t, err, nil)
	wantError(t, f.EraseRegistration(f.ctx, anna, e.ID, erased.ID), nil)
	for name, status := range map[string]deltag.AddressStatus{"retur": deltag.AddressBounced, "klage": deltag.AddressComplained} {
		a := deltag.Address{Original: name + "@example.dk", Normalized: name + "@example.dk"}
		wantError(t, f.store.Suppress(f.ctx, e, a, deltag.Registration{}, status, now), nil)
	}
	in := list(t, "Navn;E-mail;Kommune;Sprog",
		"Mette Nybo;Mette@example.dk;Aarhus;engelsk",
		`"Nybo,`+"\n"+`Mette";to-linjer@example.dk`,
		"Mette igen;mette@EXAMPLE.dk",
		";uden-navn@example.dk",
		"Uden adresse;",
		"Slåfejl;mette@@example.dk;;tysk",
		"Kendt;kendt@example.dk",
		"Afbud;afbud@example.dk",
		"Slettet;slettet@example.dk",
		"Retur;retur@example.dk",
		"Klage;klage@example.dk",
		";Ida Holm <ida@example.dk>")
	want := []string{
		"2 confirmed", "3 faulty name:bad-characters", "5 repeated", "6 faulty name:missing", "7 faulty email:missing",
		"8 faulty email:address-two-at language:unknown-language", "9 known", "10 cancelled", "11 erased", "12 suppressed",
		"13 suppressed", "14 confirmed",
	}
	before, _ := f.store.Counts(f.ctx, e)
	wantEqual(t, statuses(f.plan(e, in).Lines), want)
	after, _ := f.store.Counts(f.ctx, e)
	wantEqual(t, after, before)

	t.Run("AddsWhomTheOrganiserAsksFor", func(t *testing.T) {
		in := in
		in.AddCancelled, in.AddErased = true, true
		got := statuses(f.plan(e, in).Lines)
		wantEqual(t, got[7:10], []string{"10 confirmed", "11 confirmed", "12 suppressed"})
	})
	t.Run("TakesTheColumnsThatWereChosen", func(t *testing.T) {
		in := list(t, "a;b;c", "x;Mette Nybo;mette@example.dk")
		wantEqual(t, statuses(f.plan(e, in).Lines), []string{"2 faulty name:missing email:missing"})
		in.Columns = []organiser.ImportField{"answers.gone", "name", "email", "name"}
		wantEqual(t, statuses(f.plan(e, in).Lines), []string{"2 confirmed"})
	})
	t.Run("RequiresAnAnswerOnlyOfAListThatHasAnswers", func(t *testing.T) {
		in := list(t, "Navn;Mail;Hvad vil du?", "Mette;m1@example.dk;Lære", "Mette;m2@example.dk;")
		wantEqual(t, statuses(f.plan(e, in).Lines), []string{"2 confirmed", "3 faulty answers.hvad:missing"})
	})
	t.Run("AsksAboutEachDomainOnce", func(t *testing.T) {
		f, asked := f, make(chan string, 10)
		service := *f.Service
		f.Service = &service
		f.CheckDomain = func(_ context.Context, domain string) bool {
			asked <- domain
			return domain != "ingen.example.dk"
		}
		in := list(t, "Navn;Mail", "a;a@ingen.example.dk", "b;b@ingen.example.dk", "c;c@post.example.dk")
		wantEqual(t, statuses(f.plan(e, in).Lines), []string{
			"2 faulty email:address-no-mail", "3 faulty email:address-no-mail", "4 confirmed",
		})
		wantEqual(t, len(asked), 2)
	})
	t.Run("RefusesAnEventThatIsOver", func(t *testing.T) {
		_, err := f.PlanImport(f.ctx, annaAt(e.EndsAt), e.ID, in)
		wantError(t, err, deltag.ErrClosed)
	})
}

// TestPlanImportSeats: seats are given in the order of the list.
func TestPlanImportSeats(t *testing.T) {
	capacity := 2
	for _, c := range []struct {
		waitlist bool
		want     []string
	}{
		{true, []string{"2 confirmed", "3 waiting", "4 waiting"}},
		{false, []string{"2 confirmed", "3 full", "4 full"}},
	} {
		t.Run(fmt.Sprint("Waitlist", c.waitlist), func(t *testing.T) {
			f := newFixture(t)
			e := f.newEvent(func(e *deltag.Event) { e.Capacity, e.HasWaitlist = &capacity, c.waitlist })
			f.addRegistration(e, "foerst@example.dk")
			in := list(t, "Navn;Mail", "a;a@example.dk", "b;b@example.dk", "c;c@example.dk")
			wantEqual(t, statuses(f.plan(e, in).Lines), c.want)
			wantEqual(t, statuses(f.importAll(e, in)), c.want)
		})
	}
}

func TestImport(t *testing.T) {
	t.Run("SignsUpWithTheSource", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(func(e *deltag.Event) {
			e.Verify = deltag.VerifyAlways
			e.Questions = append(e.Questions, deltag.Question{
				ID: "valg", Kind: deltag.QuestionMultipleChoice, Label: "Valg", Options: []string{"Én", "To, eller flere"},
			})
		})
		in := list(t, "Fornavn,Efternavn,Mail,Kommune,Titel,Sprog,valg,Hvad vil du?",
			`Mette,Nybo,Mette@example.dk,Aarhus,Chef,en,"en, to, eller flere",Lære`, `Ib,Bo,ib@example.dk,,,,"to, eller flere",`)
		wantEqual(t, statuses(f.importAll(e, in)), []string{
			"2 faulty answers.valg:unknown-option answers.valg:unknown-option", "3 confirmed",
		})
		in.Table.Rows[0].Cells[6] = "en"
		wantEqual(t, statuses(f.importAll(e, in)), []string{"2 confirmed", "3 known"})
		mette := deltag.Address{Original: "Mette@example.dk", Normalized: "mette@example.dk"}
		_, r, err := f.store.EventAndRegistration(f.ctx, e.ID, deltag.RegistrationID(e, mette))
		wantError(t, err, nil)
		wantEqual(t, []any{r.Name, r.Organisation, r.JobTitle, r.Language, r.Answers, r.ByOrganiser, r.Source, r.AllowsNews}, []any{
			"Mette Nybo", "Aarhus", "Chef", deltag.LanguageEnglish, map[string][]string{"valg": {"Én"}, "hvad": {"Lære"}},
			true, "Kommunens medarbejderliste", false,
		})
	})
	t.Run("RequiresASource", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		in := list(t, "Navn;Mail", "a;a@example.dk")
		for source, want := range map[string]string{
			" ": "source: missing", "a\nb": "source: bad-characters", strings.Repeat("æ", deltag.MaxName+1): "source: too-long",
		} {
			in.Source = source
			_, err := f.Import(f.ctx, anna, e.ID, in, 0, func() bool { return false })
			wantInvalid(t, err, want)
		}
		counts, err := f.store.Counts(f.ctx, e)
		wantEqual(t, []any{counts, err}, []any{deltag.Counts{}, error(nil)})
	})
	t.Run("ComesBackWithWhoeverHadCancelled", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		r := f.addRegistration(e, "a@example.dk")
		wantError(t, f.store.CancelRegistration(f.ctx, e, r, now), nil)
		in := list(t, "Navn;Mail", "Ada;a@example.dk")
		wantEqual(t, statuses(f.importAll(e, in)), []string{"2 cancelled"})
		in.AddCancelled = true
		wantEqual(t, statuses(f.importAll(e, in)), []string{"2 confirmed"})
	})
}

// TestImportInParts: an import that stops goes on where it was, and whoever repeats a part stores and mails nobody twice.
// Each is told its place when the line above has been stored, and no later line goes before it.
func TestImportedPeopleWaitInTheOrderOfTheList(t *testing.T) {
	f := newFixture(t)
	one := 1
	e := f.newEvent(func(e *deltag.Event) { e.Capacity = &one })
	lines := []string{"Navn;Mail"}
	for i := range 90 {
		lines = append(lines, fmt.Sprintf("Person %d;p%d@example.dk", i, i))
	}
	in := list(t, lines...)
	for after, done := 0, false; !done; {
		part, err := f.Import(f.ctx, anna, e.ID, in, after, func() bool { return true })
		wantError(t, err, nil)
		after, done = part.Last, part.Done
	}
	for i := range 89 {
		a := deltag.Address{Original: fmt.Sprintf("p%d@example.dk", i+1), Normalized: fmt.Sprintf("p%d@example.dk", i+1)}
		_, r, err := f.store.EventAndRegistration(f.ctx, e.ID, deltag.RegistrationID(e, a))
		wantError(t, err, nil)
		position, err := f.store.WaitlistPosition(f.ctx, r)
		wantEqual(t, []any{position, err}, []any{i + 1, error(nil)})
	}
}

func TestImportInParts(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	lines := []string{"Navn;Mail"}
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("Person %d;p%d@example.dk", i, i))
	}
	in := list(t, lines...)
	stop := func() bool { return true }
	first, err := f.Import(f.ctx, anna, e.ID, in, 0, stop)
	wantEqual(t, []any{len(first.Lines), first.Last, first.Done, err}, []any{40, 41, false, error(nil)})
	// Repeated a long time later, when a sign-up by the person would send the confirmation again.
	later := annaAt(now.Add(2 * deltag.ResendCooldown))
	again, err := f.Import(f.ctx, later, e.ID, in, 0, stop)
	wantEqual(t, []any{again.Last, again.Lines[0].Status, err}, []any{41, organiser.ImportKnown, error(nil)})
	second, err := f.Import(f.ctx, later, e.ID, in, first.Last, stop)
	wantEqual(t, []any{len(second.Lines), second.Last, second.Done, err}, []any{40, 81, false, error(nil)})
	// Two at once.
	results := make(chan error, 2)
	for range 2 {
		go func() {
			last, err := f.Import(f.ctx, later, e.ID, in, second.Last, stop)
			if err == nil && !last.Done {
				err = fmt.Errorf("stopped at line %d", last.Last)
			}
			results <- err
		}()
	}
	wantError(t, <-results, nil)
	wantError(t, <-results, nil)
	counts, err := f.store.Counts(f.ctx, e)
	wantEqual(t, []any{counts, err}, []any{deltag.Counts{Confirmed: 100}, error(nil)})
	mails := 0
	err = f.store.EachDelivery(f.ctx, e.ID, func(deltag.Delivery) error { mails++; return nil })
	wantEqual(t, []any{mails, err}, []any{100, error(nil)})
}
