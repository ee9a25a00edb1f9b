package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	ical "github.com/emersion/go-ical"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/testing/dynamolocal"
)

const (
	form       = "application/x-www-form-urlencoded"
	signUpPath = "/e/samskabelse/registrations"
)

func fields(name, email string) string {
	return url.Values{"name": {name}, "email": {email}, "language": {"da"}}.Encode()
}

// onEachEngine runs test on the embedded engine, and on DynamoDB Local if it is set up. The table outlives the process.
func onEachEngine(t *testing.T, test func(t *testing.T, env []string)) {
	now := "LOCAL_NOW=2026-11-23T09:00:00Z"
	t.Run("embedded", func(t *testing.T) { test(t, []string{now, "DATA_DIR=" + t.TempDir()}) })
	if endpoint, ok := dynamolocal.Start(t); ok {
		t.Run("DynamoDBLocal", func(t *testing.T) {
			table := fmt.Sprintf("TABLE=t%d", time.Now().UnixNano())
			test(t, []string{now, "DATA_DIR=" + t.TempDir(), "DYNAMODB_ENDPOINT=" + endpoint, table})
		})
	}
}

// TestWholeSystem takes visitors and an organiser through an event, with a kill of the process in between.
func TestWholeSystem(t *testing.T) {
	path := build(t)
	onEachEngine(t, func(t *testing.T, env []string) {
		p := start(t, path, env...)
		for n := range 30 {
			res, raw := p.do("POST", signUpPath, form, fields("Åse", fmt.Sprintf("p%d@example.dk", n)))
			if res.StatusCode != 303 {
				t.Fatalf("%d %s", res.StatusCode, raw)
			}
		}
		p.until("confirmations", func() bool { return len(p.mails()) == 30 })
		checkInvitation(t, p, p.mails()[0])

		p.setClock("2026-11-30T13:00:00Z")
		p.until("some reminders", func() bool { return len(p.mails()) > 35 })
		p.kill()
		p = start(t, path, env[1:]...) // the clock is resumed
		p.post("/local/clock", `{"advance":"11m"}`)
		p.until("all reminders", func() bool { return len(p.mails()) == 60 })

		p.setClock("2026-12-01T12:30:00Z")
		p.until("the hour's reminders", func() bool { return len(p.mails()) == 90 })
		p.post("/api/v1/public/events/samskabelse/registrations", `{"name":"Sen","email":"sen@example.dk"}`)
		p.until("the late confirmation", func() bool { return p.kinds("sen@example.dk") == "confirmation" })
		late := p.mails()[90]
		join := regexp.MustCompile(`http\S+(/join/\S+)`).FindStringSubmatch(late.Text)
		if join == nil || !strings.Contains(late.Text, "30 minutter") {
			t.Fatalf("the late confirmation: %s", late.Text)
		}
		p.setClock("2026-12-01T12:50:00Z")
		p.until("the last reminders", func() bool { return len(p.mails()) == 122 })
		for n := range 30 {
			p.wantKinds(
				[]string{fmt.Sprintf("p%d@example.dk", n)}, "confirmation reminder-P1D reminder-PT1H reminder-PT10M",
			)
		}
		if got := p.kinds("sen@example.dk"); got != "confirmation reminder-PT10M" {
			t.Errorf("the late sign-up got %s", got)
		}
		res, _ := p.do("POST", join[1], form, "")
		if res.StatusCode != 303 || res.Header.Get("Location") != "https://meet.example.org/samskabelse" {
			t.Errorf("joining: %d %s", res.StatusCode, res.Header.Get("Location"))
		}
		checkLists(t, p)
	})
}

// checkInvitation reads a mail with other libraries than those that wrote it.
func checkInvitation(t *testing.T, p *process, m mail) {
	t.Helper()
	_, raw := p.do("GET", strings.TrimPrefix(m.RawURL, p.url), "", "")
	msg, err := netmail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	outer := parts(t, msg.Header.Get("Content-Type"), msg.Body)
	inner := parts(t, outer[0].contentType, strings.NewReader(outer[0].body))
	var order []string
	for _, part := range append(inner, outer[1:]...) {
		kind, _, _ := mime.ParseMediaType(part.contentType)
		order = append(order, kind)
	}
	if got := strings.Join(order, " "); got != "text/plain text/html text/calendar application/ics" {
		t.Errorf("parts: %s", got)
	}
	if !strings.Contains(inner[2].contentType, "method=REQUEST") {
		t.Errorf("the calendar part is %s", inner[2].contentType)
	}
	cal, err := ical.NewDecoder(strings.NewReader(m.Calendar)).Decode()
	if err != nil {
		t.Fatal(err)
	}
	props := cal.Events()[0].Props
	if uid := props.Get("UID"); uid == nil || uid.Value == "" {
		t.Error("the invitation has no UID")
	}
	got := map[string]string{"METHOD": cal.Props.Get("METHOD").Value}
	for _, name := range []string{"DTSTART", "DTEND", "SEQUENCE", "ATTENDEE"} {
		if prop := props.Get(name); prop != nil {
			got[name] = prop.Value
		}
	}
	want := map[string]string{
		"METHOD": "REQUEST", "DTSTART": "20261201T130000Z", "DTEND": "20261201T140000Z", "SEQUENCE": "0",
		"ATTENDEE": "mailto:" + m.To[0],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

type part struct{ contentType, body string }

func parts(t *testing.T, contentType string, body io.Reader) (all []part) {
	t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		next, err := r.NextPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(next)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{next.Header.Get("Content-Type"), string(raw)})
	}
}

// checkLists reads what an organiser reads.
func checkLists(t *testing.T, p *process) {
	t.Helper()
	var made struct{ Token string }
	if err := json.Unmarshal(p.post("/local/token", ""), &made); err != nil {
		t.Fatal(err)
	}
	get := func(path string, v any) []byte {
		res, raw := p.do("GET", "/api/v1/events"+path, "", "", "Authorization: Bearer "+made.Token)
		if res.StatusCode != 200 || v != nil && json.Unmarshal(raw, v) != nil {
			t.Fatalf("%s: %d %s", path, res.StatusCode, raw)
		}
		return raw
	}
	var list struct{ Items []struct{ ID, Slug string } }
	get("", &list)
	if len(list.Items) != 1 || list.Items[0].Slug != demoSlug {
		t.Fatalf("%+v", list)
	}
	id := list.Items[0].ID
	var event struct {
		Counts struct{ Confirmed, Attended int }
	}
	get("/"+id, &event)
	if event.Counts.Confirmed != 31 || event.Counts.Attended != 1 {
		t.Errorf("%+v", event)
	}
	var ledger struct {
		Items []struct{ Status, Reason string }
	}
	get("/"+id+"/deliveries?limit=200", &ledger)
	rows := map[string]int{}
	for _, row := range ledger.Items {
		rows[row.Status+row.Reason]++
	}
	if delete(rows, "skippedjoined-later"); len(rows) != 1 || rows["sent"] != 122 {
		t.Errorf("the ledger: %v", rows)
	}
	text := strings.TrimPrefix(string(get("/"+id+"/registrations.csv", nil)), "\ufeff")
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = ';'
	lines, err := in.ReadAll()
	if err != nil || len(lines) != 32 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}
