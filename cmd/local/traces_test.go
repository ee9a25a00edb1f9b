package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"deltag/internal/dynamo/storetest"
)

// Somebody whose traces are easy to tell from anything else.
var trace = []string{"xqzvtrine.hjort@example.dk", "Xqzvtrine Hjört", "Xqzvby Kommune", "Xqzvleder", "xqzv-ingen-svinekød"}

// A tap keeps what a process writes to its output.
type tap struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *tap) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// traces are the forms of a personal text that are found in s: as it is, in lower case, as a URL or base64 has it.
func traces(s string) (found []string) {
	for _, text := range trace {
		forms := []string{text, strings.ToLower(text), url.QueryEscape(text), url.PathEscape(text)}
		for shift := range 3 { // where base64's groups of three may begin
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
			forms = append(forms, encoded[4:len(encoded)-4])
		}
		for _, form := range forms {
			if strings.Contains(s, form) {
				found = append(found, form)
			}
		}
	}
	return found
}

// TestNoTraces: nothing personal is ever logged, or stands in a URL or a tag; and once somebody is erased, by themselves or by
// the schedule, nothing of them is in the table or on the disk.
func TestNoTraces(t *testing.T) {
	path := binary(t)
	for name, erase := range map[string]func(p *process, own string){
		"ByThemselves": func(p *process, own string) { p.do("POST", own+"/erase", form, "confirm=yes") },
		"BySchedule":   func(p *process, _ string) { p.goTo("2027-01-01T00:00:00Z") },
	} {
		t.Run("OnDisk/"+name, func(t *testing.T) {
			folder := t.TempDir()
			p := start(t, path, "DATA_DIR="+folder, "LOCAL_NOW=2026-11-23T09:00:00Z")
			own := live(t, p)
			if found := traces(disk(t, folder)); len(found) == 0 {
				t.Fatal("the search finds nothing even before")
			}
			erase(p, own)
			p.until("the end of all traces", func() bool { return len(traces(disk(t, folder))) == 0 })
			untold(t, p)
		})
		t.Run("InTheTable/"+name, func(t *testing.T) {
			engine := storetest.Embedded(t)
			p := start(t, path, "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z", "DYNAMODB_ENDPOINT="+engine.Endpoint(), "TABLE="+engine.Table)
			own := live(t, p)
			erase(p, own)
			p.until("the end of all traces", func() bool { return len(traces(fmt.Sprint(engine.Dump(t)))) == 0 })
			untold(t, p)
		})
	}
}

// live lets somebody do all that leaves traces, and returns the path of their page.
func live(t *testing.T, p *process) (own string) {
	t.Helper()
	o := p.organiser()
	o.must("PATCH", "", `{"questions":[{"id":"mad","kind":"short","label":"Mad?"}],"reminders":[{"offset":"-PT10M"},{"kind":"followup-attended","offset":"PT1H","text":"Tak {name}"}]}`)
	fields := url.Values{"name": {"Xqzv"}, "email": {trace[0]}, "organisation": {trace[2]}, "role": {trace[3]}, "answers.mad": {trace[4]}, "updates": {"yes"}}
	p.do("POST", sign, form, fields.Encode())
	p.until("the confirmation", func() bool { return p.kinds(trace[0]) == "confirmation" })
	own = p.link(trace[0], "/r/")
	fields.Set("name", trace[1])
	p.do("POST", own, form, fields.Encode())
	p.do("POST", own, form, "email=nej") // what is refused is not logged either
	p.do("GET", "/e/samskabelse/link?email="+url.QueryEscape("intet"), "", "")
	p.do("POST", "/e/samskabelse/link", form, url.Values{"email": {trace[0]}}.Encode())
	p.goTo("2026-12-01T12:50:00Z")
	p.until("the reminder", func() bool { return strings.Contains(p.kinds(trace[0]), "reminder") })
	p.do("POST", p.link(trace[0], "/join/"), form, "")
	if _, raw := p.do("GET", own+"/data.json", "", ""); len(traces(string(raw))) < len(trace) {
		t.Errorf("data.json: %s", raw)
	}
	newest := p.mails()[len(p.mails())-1]
	p.post("/local/feedback", `{"mail":"`+newest.ID+`","type":"complaint"}`)
	o.settle()
	return own
}

// untold: neither the log, nor any URL or header of a mail but the one that addresses it, names the person.
func untold(t *testing.T, p *process) {
	t.Helper()
	if found := traces(p.output.text()); len(found) > 0 {
		t.Errorf("the log has %q", found)
	}
	for _, link := range p.mailedLinks() {
		if found := traces(link); len(found) > 0 {
			t.Errorf("a link has %q", found)
		}
	}
	for _, m := range p.mails() {
		for name, value := range m.Headers {
			if found := traces(value); len(found) > 0 && name != "To" {
				t.Errorf("%s of %s has %q", name, m.Kind, found)
			}
		}
	}
	if p.kinds(trace[0]) == "" {
		t.Error("there are no mails to look at")
	}
}

// disk is all that a folder's files hold, together.
func disk(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		raw, err := os.ReadFile(path)
		all.Write(raw)
		all.WriteString(d.Name())
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// ignoreGone: a file may be renamed while the folder is read.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
