package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/organiser"
	"deltag/internal/spreadsheet"
)

// upload sends a file as a browser does.
func (c *client) upload(path, field, name, content string) response {
	c.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		c.Fatal(err)
	}
	return c.send("POST", path, b.String(), "Content-Type: "+form.FormDataContentType())
}

// newImport is an event with everybody that an import can meet, and a list of them.
func (c *client) newImport() (deltag.Event, string) {
	c.Helper()
	ctx := context.Background()
	e := c.newEvent("import", func(e *deltag.Event) {
		e.Questions = []deltag.Question{
			{ID: "hvor", Kind: deltag.QuestionChoice, Label: "Hvor arbejder du?", Options: []string{"Kommune", "Region"}, Required: true},
		}
		capacity := 3
		e.Capacity, e.HasWaitlist = &capacity, true
	})
	sign := func(name string) deltag.Registration { return c.signUp(e, name) }
	sign("kendt")
	if err := c.store.CancelRegistration(ctx, e, sign("afbud"), start); err != nil {
		c.Fatal(err)
	}
	if err := c.store.Erase(ctx, e, sign("slettet"), start); err != nil {
		c.Fatal(err)
	}
	err := c.store.Suppress(ctx, e, addressOf("retur"), deltag.Registration{}, deltag.AddressBounced, start)
	if err != nil {
		c.Fatal(err)
	}
	return c.event(e.ID), strings.Join([]string{
		"Navn;E-mail;Kommune;Sprog;Hvor arbejder du?;Telefon;",
		"Mette Nybo;mette@example.dk;Aarhus;da;kommune;12345678;",
		"Ib Bo;ib@example.dk;;;Region",
		"Ida Holm;ida@example.dk;;;Region",
		"Åse Ø;aase@example.dk;;;Region",
		"Mette igen;METTE@example.dk;;;Region",
		";uden-navn@example.dk;;;Region",
		"www.example.dk;;;tysk;Kirke",
		"Uden svar;uden@@svar.dk;;;",
		"Kendt;kendt@example.dk;;;Region",
		"Afbud;afbud@example.dk;;;Region",
		"Slettet;slettet@example.dk;;;Region",
		"Retur;retur@example.dk;;;Region",
	}, "\r\n")
}

// dryRun is the page that says what an import of a list would do.
func (c *client) dryRun(e deltag.Event, query, list string) response {
	c.Helper()
	return c.upload(importPath(e)+query, "file", "liste.csv", list)
}

// importAll imports a list, page by page, and returns the last page.
func (c *client) importAll(form url.Values, e deltag.Event) response {
	c.Helper()
	for {
		a := c.postForm(importPath(e)+"/confirm", form).want(http.StatusOK)
		if a.doc.Find("form[action$='/import/confirm']").Length() == 0 {
			return a
		}
		form = a.fields("/import/confirm")
	}
}

func addImportPages(pages map[string]func(string) response, owner func(func(*client, string) response) func(string) response) {
	refused := func(name, content string) {
		pages["import-"+name] = owner(func(c *client, q string) response {
			return c.dryRun(c.newEvent("import", nil), q, content)
		})
	}
	refused("no-file", "")
	refused("too-large", "Navn;E-mail\n"+strings.Repeat("x", spreadsheet.MaxFile))
	refused("formula", "Navn;E-mail\nMette;mette@example.dk\n\"Ib;ib@example.dk\n")
	refused("too-many-columns", strings.Repeat("a;", spreadsheet.MaxColumns+1)+"\n1;2\n")
	pages["import-cell"] = owner(func(c *client, q string) response {
		return c.dryRun(c.newEvent("import", nil), q, workbookWithFormula(c))
	})
	planned := func(serve func(c *client, e deltag.Event, form url.Values, query string) response) func(string) response {
		return owner(func(c *client, q string) response {
			e, list := c.newImport()
			return serve(c, e, c.dryRun(e, "", list).fields("/import/confirm"), q)
		})
	}
	pages["import"] = owner(func(c *client, q string) response { return c.get(importPath(c.newEvent("import", nil)) + q) })
	pages["import-closed"] = owner(func(c *client, q string) response {
		return c.dryRun(c.newEvent("import", endedLongAgo), q, "Navn;E-mail\nMette;mette@example.dk\n")
	})
	pages["import-plan"] = owner(func(c *client, q string) response {
		e, list := c.newImport()
		return c.dryRun(e, q, list)
	})
	pages["import-plan-columns"] = owner(func(c *client, q string) response {
		return c.dryRun(c.newEvent("import", nil), q, "Hvem;;Fornavn;Efternavn\nMette;mette@example.dk\n")
	})
	pages["import-plan-nobody"] = owner(func(c *client, q string) response {
		e, _ := c.newImport()
		return c.dryRun(e, q, "Navn;E-mail\nKendt;kendt@example.dk\n")
	})
	pages["import-plan-one"] = owner(func(c *client, q string) response {
		return c.dryRun(c.newEvent("import", nil), q, "Navn;E-mail\nMette;mette@example.dk\n")
	})
	pages["import-plan-ticked"] = owner(func(c *client, q string) response {
		e, _ := c.newImport()
		return c.dryRun(e, q, "Navn;E-mail\nAfbud;afbud@example.dk\n")
	})
	pages["import-plan-full"] = owner(func(c *client, q string) response {
		e := c.newFullEvent()
		return c.dryRun(e, q, "Navn;E-mail\nMette;mette@example.dk\nIb;ib@example.dk\n")
	})
	pages["import-plan-many"] = owner(func(c *client, q string) response {
		return c.dryRun(c.newEvent("import", nil), q, people(maxGroupLines+1))
	})
	pages["import-no-source"] = planned(func(c *client, e deltag.Event, form url.Values, q string) response {
		form.Del("confirmations")
		form.Set("addCancelled", "yes")
		return c.postForm(importPath(e)+"/confirm"+q, form)
	})
	pages["import-done"] = planned(func(c *client, e deltag.Event, form url.Values, q string) response {
		form.Set("source", "Kommunens liste")
		return c.postForm(importPath(e)+"/confirm"+q, form)
	})
	pages["import-done-full"] = owner(func(c *client, q string) response {
		e := c.newFullEvent()
		form := c.dryRun(e, "", "Navn;E-mail\nMette;mette@example.dk\nIb;ib@example.dk\n").fields("/import/confirm")
		form.Set("source", "Kommunens liste")
		form.Del("confirmations")
		return c.postForm(importPath(e)+"/confirm"+q, form)
	})
	pages["import-progress"] = owner(func(c *client, q string) response {
		e := c.newEvent("import", nil)
		form := c.dryRun(e, "", people(100)).fields("/import/confirm")
		form.Set("source", "Kommunens liste")
		c.tick = importBudget + 1
		return c.postForm(importPath(e)+"/confirm"+q, form)
	})
	pages["import-unavailable"] = planned(func(c *client, e deltag.Event, form url.Values, q string) response {
		form.Set("source", "Kommunens liste")
		c.site.Organiser.Store = noSignUps{c.site.Organiser.Store}
		return c.postForm(importPath(e)+"/confirm"+q, form)
	})
}

// newFullEvent has one seat left, and no waitlist.
func (c *client) newFullEvent() deltag.Event {
	c.Helper()
	e := c.newEvent("fuldt", func(e *deltag.Event) {
		capacity := 2
		e.Capacity, e.HasWaitlist = &capacity, false
	})
	c.signUp(e, "kendt")
	return c.event(e.ID)
}

func workbookWithFormula(t testing.TB) string {
	t.Helper()
	f := excelize.NewFile()
	err := f.SetSheetRow("Sheet1", "A1", &[]string{"Navn", "E-mail"})
	if err == nil {
		err = f.SetCellFormula("Sheet1", "B7", `=A7&"@example.dk"`)
	}
	var b bytes.Buffer
	if err == nil {
		err = f.Write(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// people is a list of n.
func people(n int) string {
	var b strings.Builder
	b.WriteString("Navn;E-mail\n")
	for i := range n {
		fmt.Fprintf(&b, "Person %d;p%d@example.dk\n", i, i)
	}
	return b.String()
}

// noSignUps is a store that is unavailable when somebody is to be signed up.
type noSignUps struct{ organiser.Store }

func (noSignUps) SignUp(context.Context, deltag.Event, deltag.SignUpRequest, time.Time) (deltag.SignUpOutcome, error) {
	return "", deltag.ErrUnavailable
}

// TestImport: the dry run stores nothing, and the import what it says.
func TestImport(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e, list := c.newImport()
	before, _ := c.store.Counts(context.Background(), e)
	a := c.dryRun(e, "", list).want(http.StatusOK).
		says("summary:contains('Skal rettes')", "3").says("main", "Får en plads: 2").says("main", "Kommer på ventelisten: 2").
		says("main", "Er allerede tilmeldt: 1").says("main", "Har meldt afbud: 1").says("main", "slettet: 1").
		says("main", "Kan ikke få mail fra os: 1").says("main", "Står længere oppe i filen: 1").
		says("tr:contains('uden-navn')", "Navnet mangler.").says("tr:contains('uden@@svar')", "Skriv kun én mailadresse").
		has("input[name=confirmations][checked]", 1).has("input[name=addCancelled]:not([checked])", 1)
	after, _ := c.store.Counts(context.Background(), e)
	if after != before {
		t.Errorf("the dry run has stored: %+v, before: %+v", after, before)
	}
	form := a.fields("/import/confirm")
	c.postForm(importPath(e)+"/confirm", form).want(http.StatusUnprocessableEntity).
		says(".alert", "Skriv, hvor du har adresserne fra.").has("input[name=confirmations][checked]", 1)
	form.Set("source", "Kommunens liste")
	form.Set("addCancelled", "yes")
	c.postForm(importPath(e)+"/confirm", form).want(http.StatusOK).says("h1", "færdig").
		says("div:contains('Har fået en plads') > dd", "2").says("div:contains('Står på ventelisten') > dd", "3")
	c.postForm(importPath(e)+"/confirm", form).want(http.StatusOK).says("div:contains('Var allerede') > dd", "6")
	got, _ := c.store.Counts(context.Background(), e)
	if want := (deltag.Counts{Confirmed: 3, Waitlisted: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	r := c.registration(e, "mette")
	if r.Source != "Kommunens liste" || !r.ByOrganiser || r.Organisation != "Aarhus" || r.Answers["hvor"][0] != "Kommune" {
		t.Errorf("stored as %+v", r)
	}
}

// TestImportColumns: columns that no head tells are chosen.
func TestImportColumns(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newEvent("import", nil)
	a := c.dryRun(e, "", "Hvem;Hvor;Skriv til\nMette;Aarhus;mette@example.dk\n").want(http.StatusOK).
		says("main", "Skal rettes i filen: 1").has("form[action$='/import/confirm']", 0).has("details[open] select", 3)
	form := a.fields("/import")
	form.Set("column.0", "name")
	form.Set("column.2", "email")
	a = c.postForm(importPath(e), form).want(http.StatusOK).says("main", "Får en plads: 1").
		has("select[name='column.2'] option[value=email][selected]", 1)
	form = a.fields("/import/confirm")
	form.Set("source", "Mødet i maj")
	form.Del("confirmations")
	c.importAll(form, e).says("main", "De nye har ikke fået mail")
	r := c.registration(e, "mette")
	deliveries, err := c.store.DeliveriesOf(context.Background(), e.ID, r.ID)
	if err != nil || len(deliveries) != 1 || deliveries[0].Reason != deltag.ReasonNotWanted || deliveries[0].IsActive() {
		t.Errorf("%+v, %v", deliveries, err)
	}
}

// TestImportInParts: each request signs up some, and the pages add up.
func TestImportInParts(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newEvent("import", nil)
	form := c.dryRun(e, "", people(100)).fields("/import/confirm")
	form.Set("source", "Kommunens liste")
	c.tick = importBudget + 1 // the time is up at each look
	first := c.postForm(importPath(e)+"/confirm", form).want(http.StatusOK).has("form[data-continue]", 1).
		says("h1", "i gang").says(".lead", "40 %").says("div:contains('Har fået') > dd", "40")
	c.importAll(first.fields("/import/confirm"), e).says("div:contains('Har fået en plads') > dd", "100")
	got, _ := c.store.Counts(context.Background(), e)
	if want := (deltag.Counts{Confirmed: 100}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestImportGoesOnAfterAFault: the page offers to go on where it stopped.
func TestImportGoesOnAfterAFault(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newEvent("import", nil)
	form := c.dryRun(e, "", people(3)).fields("/import/confirm")
	form.Set("source", "Kommunens liste")
	works := c.site.Organiser.Store
	c.site.Organiser.Store = noSignUps{works}
	a := c.postForm(importPath(e)+"/confirm", form).want(http.StatusServiceUnavailable).has("form[data-continue]", 0)
	c.site.Organiser.Store = works
	c.importAll(a.fields("/import/confirm"), e).says("div:contains('Har fået en plads') > dd", "3")
}

func TestImportRefusals(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newEvent("import", nil)
	for name, test := range map[string]struct {
		content string
		status  int
		text    string
	}{
		"Nothing":        {"", 422, "Vælg en fil"},
		"TooLarge":       {strings.Repeat("a;b\n", spreadsheet.MaxFile/4+1), 413, "højst 4 MB"},
		"FarTooLarge":    {strings.Repeat("x", 5<<20), 413, "højst 4 MB"},
		"Image":          {"\x89PNG\r\n\x1a\n", 422, "hverken Excel"},
		"BrokenXLSX":     {"PK\x03\x04nonsense", 422, "beskadiget"},
		"NUL":            {"Navn;E-mail\nMe\x00tte;m@example.dk\n", 422, "beskadiget"},
		"TooManyColumns": {strings.Repeat("a;", 200) + "\nb\n", 422, "højst 100"},
		"OnlyAHeader":    {"Navn;E-mail\n", 422, "kun overskrifter"},
		"Quotes":         {"Navn;E-mail\n\"Mette;m@example.dk\n", 422, "anførselstegn"},
	} {
		t.Run(name, func(t *testing.T) {
			c.dryRun(e, "", test.content).want(test.status).says(".alert", test.text).has("input[type=file]", 1)
		})
	}
	t.Run("ATableThatNobodyMade", func(t *testing.T) {
		bomb, err := packTable(spreadsheet.Table{
			Header: spreadsheet.Row{Cells: []string{"Navn"}},
			Rows:   []spreadsheet.Row{{Line: 2, Cells: []string{strings.Repeat("x", spreadsheet.MaxCell+1)}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"", "x", "H4sIAAAAAAAA", bomb} {
			for _, path := range []string{"", "/confirm"} {
				c.post(importPath(e)+path, "table", table, "source", "x").want(http.StatusBadRequest)
			}
		}
	})
	t.Run("AFieldOfAnotherName", func(t *testing.T) {
		c.upload(importPath(e), "list", "liste.csv", people(1)).want(422).says(".alert", "Vælg en fil")
	})
	t.Run("NoUpload", func(t *testing.T) {
		c.send("POST", importPath(e), "x", "Content-Type: multipart/form-data").want(http.StatusBadRequest)
		c.send("POST", importPath(e), "x", "Content-Type: text/csv").want(http.StatusUnsupportedMediaType)
	})
	got, _ := c.store.Counts(context.Background(), e)
	if got != (deltag.Counts{}) {
		t.Errorf("%+v", got)
	}
}

// TestEveryRefusedFileHasWords reads the codes out of the source that makes them.
func TestEveryRefusedFileHasWords(t *testing.T) {
	source, err := os.ReadFile("../../spreadsheet/file_error.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := []string{codeNoFile, codeTooMuch, organiser.CodeNoParticipants}
	for _, match := range regexp.MustCompile(`Code\w+ += "([a-z-]+)"`).FindAllSubmatch(source, -1) {
		codes = append(codes, string(match[1]))
	}
	if len(codes) < 15 {
		t.Errorf("only %d codes were found", len(codes))
	}
	for _, code := range codes {
		for _, l := range deltag.Languages {
			if !i18n.For(l).Has("error.file-" + code) {
				t.Errorf("%s has no words for %s", l, code)
			}
		}
	}
}

// TestPackTable: the largest list fits into a form.
func TestPackTable(t *testing.T) {
	table := spreadsheet.Table{Header: spreadsheet.Row{Line: 1, Cells: []string{"Navn", "E-mail", "", "Stilling"}}}
	for i := range spreadsheet.MaxRows {
		name := fmt.Sprintf("%x", i*2654435761%(1<<32))
		table.Rows = append(table.Rows, spreadsheet.Row{Line: i + 2, Cells: []string{
			"Mette " + name, name + "@aarhus.example.dk", "Aarhus Kommune", "Udviklingschef",
		}})
	}
	text, err := packTable(table)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(text))
	got, err := unpackTable(text)
	if err != nil || len(got.Rows) != len(table.Rows) || got.Rows[7].Cell(1) != table.Rows[7].Cell(1) || got.Rows[7].Line != 9 {
		t.Errorf("%v", err)
	}
	for i := range table.Rows {
		table.Rows[i].Cells[3] = rand.Text() + rand.Text() + rand.Text() + rand.Text() // nothing makes this shorter
	}
	var refused *spreadsheet.FileError
	if _, err := packTable(table); !errors.As(err, &refused) || refused.Code != codeTooMuch {
		t.Errorf("%v, want %s", err, codeTooMuch)
	}
}
