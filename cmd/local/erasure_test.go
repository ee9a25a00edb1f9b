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

// Somebody whose traces are easy to tell from anything else, with the address they had at first.
var trace = []string{"xqzvtrine.hjort@example.dk", "Xqzvtrine Hjört", "Xqzvby Kommune", "Xqzvleder", "xqzv-ingen-svinekød", former}

const former = "xqzvformer@example.dk"

// A logCapture keeps what a process writes to its output.
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

// traces are the personal texts that are found in s: as they are, in lower case, or as URLs, mails or base64 write them.
func traces(s string) (found []string) {
	for _, text := range trace {
		forms := []string{text, strings.ToLower(text), url.QueryEscape(text), url.PathEscape(text), quoted(text), strings.ReplaceAll(quoted(text), " ", "_")}
		for shift := range 3 { // where base64's groups of three may begin
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
			forms = append(forms, encoded[4:len(encoded)-4])
		}
		if slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(s, form) }) {
			found = append(found, text)
		}
	}
	return found
}

func quoted(text string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	_, _ = io.WriteString(w, text) // a Builder never fails
	_ = w.Close()
	return b.String()
}

// TestErasure: nothing personal is ever logged, or stands in a URL or a tag; and once somebody is erased, by whomever, nothing
// of them is in the table or on the disk.
func TestErasure(t *testing.T) {
	path := binary(t)
	for name, erase := range map[string]func(o organiserClient, own string){
		"ByThemselves": func(o organiserClient, own string) { o.do("POST", own+"/erase", form, "confirm=yes") },
		"ByTheOrganiser": func(o organiserClient, _ string) {
			o.must("DELETE", "/registrations/"+list[struct{ ID string }](o, "registrations")[0].ID, "")
		},
		"BySchedule": func(o organiserClient, _ string) { o.goTo("2027-01-01T00:00:00Z") }, // 30 days after, and some hours
	} {
		t.Run("OnDisk/"+name, func(t *testing.T) {
			folder := t.TempDir()
			p := start(t, path, "DATA_DIR="+folder, "LOCAL_NOW=2026-11-23T09:00:00Z")
			own := live(t, p)
			untagged(t, p, folder)
			if found := traces(disk(t, folder)); len(found) != len(trace) {
				t.Fatalf("before, the search finds only %q", found)
			}
			erase(p.organiser(), own)
			p.until("the end of all traces", func() bool { return len(traces(disk(t, folder))) == 0 })
			untold(t, p)
		})
		t.Run("InTheTable/"+name, func(t *testing.T) {
			engine := storetest.Embedded(t)
			p := start(t, path, "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z", "DYNAMODB_ENDPOINT="+engine.Endpoint(), "TABLE="+engine.Table)
			own := live(t, p)
			if found := traces(table(t, engine)); len(found) < len(trace)-1 { // the former address need not be kept
				t.Fatalf("before, the search finds only %q", found)
			}
			erase(p.organiser(), own)
			p.until("the end of all traces", func() bool { return len(traces(table(t, engine))) == 0 })
			untold(t, p)
		})
	}
}

// live lets somebody do all that leaves traces, and returns the path of their page.
func live(t *testing.T, p *process) (own string) {
	t.Helper()
	o := p.organiser()
	o.must("PATCH", "", `{"questions":[{"id":"mad","kind":"short","label":"Mad?"}],"reminders":[{"offset":"-PT10M"},{"kind":"followup-attended","offset":"PT1H","text":"Tak {name}"}]}`)
	post := func(path string, fields url.Values, want int) {
		t.Helper()
		res, raw := p.do("POST", path, form, fields.Encode())
		if res.StatusCode != want {
			t.Fatalf("POST %s: %d %s", path, res.StatusCode, raw)
		}
		if found := traces(res.Header.Get("Location")); len(found) > 0 {
			t.Errorf("POST %s leads to a URL with %q", path, found)
		}
	}
	fields := url.Values{"name": {"Xqzv"}, "email": {former}, "organisation": {trace[2]}, "role": {trace[3]}, "answers.mad": {trace[4]}, "updates": {"yes"}}
	post(sign, fields, 303)
	p.until("the confirmation", func() bool { return p.kinds(former) == "confirmation" })
	fields.Set("email", trace[0])
	post(p.link(former, "/r/"), fields, 200)
	p.until("the new confirmation", func() bool { return p.kinds(trace[0]) == "confirmation" })
	own = p.link(trace[0], "/r/")
	fields.Set("name", trace[1])
	post(own, fields, 303)
	post(own, url.Values{"name": {trace[1]}, "email": {"nej"}}, 422)            // what is refused is not logged either
	p.do("GET", "/e/samskabelse/link?email="+url.QueryEscape(trace[0]), "", "") // nor what others put into our URLs
	post("/e/samskabelse/link", url.Values{"email": {trace[0]}}, 303)
	p.goTo("2026-12-01T12:50:00Z")
	p.until("the reminder", func() bool { return strings.Contains(p.kinds(trace[0]), "reminder") })
	post(p.link(trace[0], "/join/"), nil, 303)
	if _, raw := p.do("GET", own+"/data.json", "", ""); len(traces(string(raw))) < len(trace)-1 {
		t.Errorf("data.json: %s", raw)
	}
	newest := p.mails()[len(p.mails())-1]
	p.post("/local/feedback", `{"mail":"`+newest.ID+`","type":"complaint"}`)
	o.settle()
	return own
}

// untagged: no tag names the person. SES repeats the tags to all who hear its events.
func untagged(t *testing.T, p *process, folder string) {
	t.Helper()
	glob := func(pattern string) []string {
		files, err := filepath.Glob(filepath.Join(folder, "mails", pattern))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	p.until("SES's events", func() bool { return len(glob("*.new.json")) == 0 }) // no file is renamed any more
	for _, file := range glob("*.json") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var sent struct{ Tags map[string][]string }
		if err := json.Unmarshal(raw, &sent); err != nil || len(sent.Tags) == 0 {
			t.Fatalf("%v, tags %v", err, sent.Tags)
		}
		if found := traces(fmt.Sprint(sent.Tags)); len(found) > 0 {
			t.Errorf("tags have %q", found)
		}
	}
}

// untold: neither the log, nor any URL or header of a mail but the one that addresses it, names the person.
func untold(t *testing.T, p *process) {
	t.Helper()
	if found := traces(p.output.text()); len(found) > 0 {
		t.Errorf("the log has %q", found)
	}
	for _, m := range p.mails() {
		if found := traces(fmt.Sprint(m.links())); len(found) > 0 {
			t.Errorf("a link in %s has %q", m.Kind, found)
		}
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

// table is all that the table holds. In JSON binary values are base64, which is searched too.
func table(t *testing.T, engine storetest.Engine) string {
	t.Helper()
	raw, err := json.Marshal(engine.Dump(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
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
