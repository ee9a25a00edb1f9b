package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// An organiserClient calls the API about one event: the demo event, unless create was called.
type organiserClient struct {
	*process
	token, path string
}

func (p *process) organiser() organiserClient {
	p.t.Helper()
	o := organiserClient{process: p}
	var made struct{ Token string }
	if err := json.Unmarshal(p.post("/local/token", ""), &made); err != nil {
		p.t.Fatal(err)
	}
	o.token = made.Token
	var list struct{ Items []struct{ ID, Slug string } }
	o.read("/api/v1/events", &list)
	if len(list.Items) != 1 || list.Items[0].Slug != demoSlug {
		p.t.Fatalf("the events: %+v", list)
	}
	o.path = "/api/v1/events/" + list.Items[0].ID
	return o
}

func (o organiserClient) call(method, path, body string) (status int, answer []byte) {
	o.t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	res, raw := o.do(method, path, contentType, body, "Authorization: Bearer "+o.token)
	return res.StatusCode, raw
}

func (o organiserClient) read(path string, v any) {
	o.t.Helper()
	status, raw := o.call("GET", path, "")
	if status != 200 {
		o.t.Fatalf("%s: %d %s", path, status, raw)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		o.t.Fatalf("%s: %v", path, err)
	}
}

type counts struct{ Confirmed, Waiting, Cancelled, Unverified, Attended int }

func (o organiserClient) counts() counts {
	o.t.Helper()
	var event struct{ Counts counts }
	o.read(o.path, &event)
	return event.Counts
}

// list reads all pages of a list. They are short, so that there are several.
func list[T any](o organiserClient, name string) (all []T) {
	o.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []T
			Next  string
		}
		o.read(o.path+"/"+name+"?limit=25&cursor="+url.QueryEscape(cursor), &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

type delivery struct{ ID, Email, Kind, Status, Reason, MessageID string }

func (d delivery) isActive() bool {
	return d.Status == "pending" || d.Status == "sending" || d.Status == "unknown"
}

// waitUntilSent waits until no delivery is active.
func (o organiserClient) waitUntilSent() {
	o.t.Helper()
	o.until("the end of all sending", func() bool {
		return !slices.ContainsFunc(list[delivery](o, "deliveries"), delivery.isActive)
	})
}

// wantKinds: each of these people has got exactly these mails, in this order.
func (p *process) wantKinds(people []string, want string) {
	p.t.Helper()
	got := map[string][]string{}
	for _, m := range p.mails() {
		got[m.To[0]] = append(got[m.To[0]], m.Kind)
	}
	for _, email := range people {
		if kinds := strings.Join(got[email], " "); kinds != want {
			p.t.Errorf("%s got %q, not %q", email, kinds, want)
		}
	}
}

// history is a delivery's list of statuses and reasons.
func (o organiserClient) history(id string) string {
	o.t.Helper()
	var d struct {
		History []struct{ Status, Reason string }
	}
	o.read(o.path+"/deliveries/"+id, &d)
	return fmt.Sprint(d.History)
}
