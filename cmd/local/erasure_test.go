package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime/quotedprintable"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"deltag/internal/testing/storetest"
)

// personalTexts are one person's, including a former address; nothing else contains them.
var personalTexts = []string{
	"xqzvtrine.hjort@example.dk", "Xqzvtrine Hjört", "Xqzvby Kommune", "Xqzvleder", "xqzv-ingen-svinekød", former,
}

const former = "xqzvformer@example.dk"

// A logCapture collects a process's output.
type logCapture struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *logCapture) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *logCapture) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// findTraces returns the personal texts in s: as they are, in lower case, or as encoded in URLs, mails or base64.
func findTraces(s string) (found []string) {
	for _, text := range personalTexts {
		forms := []string{
			text, strings.ToLower(text), url.QueryEscape(text), url.PathEscape(text), quotedPrintable(text),
			strings.ReplaceAll(quotedPrintable(text), " ", "_"),
		}
		for shift := range 3 { // positions in base64's groups of three bytes
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
			forms = append(forms, encoded[4:len(encoded)-4])
		}
		if slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(s, form) }) {
			found = append(found, text)
		}
	}
	return found
}

func quotedPrintable(text string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	_, _ = io.WriteString(w, text) // a Builder never fails
	_ = w.Close()
	return b.String()
}

// TestErasure: nothing personal is ever in the log, in a URL or in a tag; and after an erasure, whoever asked for it,
// nothing of the person is in the table or on disk.
func TestErasure(t *testing.T) {
	path := build(t)
	for name, erase := range map[string]func(o organiserClient, page string){
		"ByThePerson": func(o organiserClient, page string) { o.do("POST", page+"/erase", form, "confirm=yes") },
		"ByTheOrganiser": func(o organiserClient, _ string) {
			o.must("DELETE", "/registrations/"+list[struct{ ID string }](o, "registrations")[0].ID, "")
		},
		"WhenRetentionEnds": func(o organiserClient, _ string) {
			o.setClock("2027-01-01T00:00:00Z")
		}, // 30 days after, and some hours
	} {
		t.Run("OnDisk/"+name, func(t *testing.T) {
			folder := t.TempDir()
			p := start(t, path, "DATA_DIR="+folder, "LOCAL_NOW=2026-11-23T09:00:00Z")
			page := createTraces(t, p)
			checkTags(t, p, folder)
			if found := findTraces(diskContent(t, folder)); len(found) != len(personalTexts) {
				t.Fatalf("before, the search finds only %q", found)
			}
			erase(p.organiser(), page)
			p.until("the erasure", func() bool { return len(findTraces(diskContent(t, folder))) == 0 })
			checkLogAndMails(t, p)
		})
		t.Run("InTheTable/"+name, func(t *testing.T) {
			engine := storetest.Embedded(t)
			p := start(
				t, path, "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z",
				"DYNAMODB_ENDPOINT="+engine.Endpoint(), "TABLE="+engine.Table,
			)
			page := createTraces(t, p)
			found := findTraces(tableContent(t, engine))
			if len(found) < len(personalTexts)-1 { // the former address need not be stored
				t.Fatalf("before, the search finds only %q", found)
			}
			erase(p.organiser(), page)
			p.until("the erasure", func() bool { return len(findTraces(tableContent(t, engine))) == 0 })
			checkLogAndMails(t, p)
		})
	}
}

// createTraces does all that stores personal texts, and returns the path of the personal page.
func createTraces(t *testing.T, p *process) (page string) {
	t.Helper()
	o := p.organiser()
	o.must("PATCH", "", `{"questions":[{"id":"mad","kind":"short","label":"Mad?"}],
		"reminders":[{"offset":"-PT10M"},{"kind":"followup-attended","offset":"PT1H","text":"Tak {name}"}]}`)
	post := func(path string, fields url.Values, want int) {
		t.Helper()
		res, raw := p.do("POST", path, form, fields.Encode())
		if res.StatusCode != want {
			t.Fatalf("POST %s: %d %s", path, res.StatusCode, raw)
		}
		if found := findTraces(res.Header.Get("Location")); len(found) > 0 {
			t.Errorf("POST %s redirects to a URL with %q", path, found)
		}
	}
	fields := url.Values{
		"name": {"Xqzv"}, "email": {former}, "organisation": {personalTexts[2]}, "role": {personalTexts[3]},
		"answers.mad": {personalTexts[4]}, "updates": {"yes"},
	}
	post(signUpPath, fields, 303)
	p.until("the confirmation", func() bool { return p.kinds(former) == "confirmation" })
	fields.Set("email", personalTexts[0])
	post(p.link(former, "/r/"), fields, 200)
	p.press(personalTexts[0])
	p.until("the new confirmation", func() bool { return p.kinds(personalTexts[0]) == "verify confirmation" })
	page = p.link(personalTexts[0], "/r/")
	fields.Set("name", personalTexts[1])
	post(page, fields, 303)
	post(
		page, url.Values{"name": {personalTexts[1]}, "email": {"nej"}}, 422,
	) // invalid input is not logged either
	p.do("GET", "/e/samskabelse/link?email="+url.QueryEscape(personalTexts[0]), "", "") // nor what others put into URLs
	post("/e/samskabelse/link", url.Values{"email": {personalTexts[0]}}, 303)
	p.setClock("2026-12-01T12:50:00Z")
	p.until("the reminder", func() bool { return strings.Contains(p.kinds(personalTexts[0]), "reminder") })
	post(p.link(personalTexts[0], "/join/"), nil, 303)
	if _, raw := p.do("GET", page+"/data.json", "", ""); len(findTraces(string(raw))) < len(personalTexts)-1 {
		t.Errorf("data.json: %s", raw)
	}
	newest := "" // to the person: the organiser gets mail, too
	for _, m := range p.mails() {
		if slices.Contains(m.To, personalTexts[0]) {
			newest = m.ID
		}
	}
	p.post("/local/feedback", `{"mail":"`+newest+`","type":"complaint"}`)
	o.waitUntilSent()
	return page
}

// checkTags: no tag has personal texts. SES repeats the tags in its events.
func checkTags(t *testing.T, p *process, folder string) {
	t.Helper()
	glob := func(pattern string) []string {
		files, err := filepath.Glob(filepath.Join(folder, "mails", pattern))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	p.until("the Send events", func() bool { return len(glob("*.new.json")) == 0 }) // after that no file is renamed
	for _, file := range glob("*.json") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var sent struct{ Tags map[string][]string }
		if err := json.Unmarshal(raw, &sent); err != nil || len(sent.Tags) == 0 {
			t.Fatalf("%v, tags %v", err, sent.Tags)
		}
		if found := findTraces(fmt.Sprint(sent.Tags)); len(found) > 0 {
			t.Errorf("tags have %q", found)
		}
	}
}

// checkLogAndMails: no personal text in the log, in a URL, or in a mail's headers except To.
func checkLogAndMails(t *testing.T, p *process) {
	t.Helper()
	if found := findTraces(p.output.text()); len(found) > 0 {
		t.Errorf("the log has %q", found)
	}
	for _, m := range p.mails() {
		if found := findTraces(fmt.Sprint(m.links())); len(found) > 0 {
			t.Errorf("a link in %s has %q", m.Kind, found)
		}
		for name, value := range m.Headers {
			if found := findTraces(value); len(found) > 0 && name != "To" {
				t.Errorf("%s of %s has %q", name, m.Kind, found)
			}
		}
	}
	if p.kinds(personalTexts[0]) == "" {
		t.Error("there are no mails to check")
	}
}

// tableContent is the table as JSON. Binary values are base64, which findTraces searches too.
func tableContent(t *testing.T, engine storetest.Engine) string {
	t.Helper()
	raw, err := json.Marshal(engine.Dump(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// diskContent is the names and contents of a folder's files.
func diskContent(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreNotExist(err)
		}
		raw, err := os.ReadFile(path)
		all.Write(raw)
		all.WriteString(d.Name())
		return ignoreNotExist(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// ignoreNotExist: a file may be renamed while the folder is read.
func ignoreNotExist(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
