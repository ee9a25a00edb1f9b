package internal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/local"
	"deltag/internal/testing/lambdaruntime"
	"deltag/internal/testing/storetest"
)

// TestRoles makes the built functions do everything they can do, each behind a guard that allows what its role in
// template.yaml allows, and refuses the rest as IAM does. A role may allow nothing that its function never does.
func TestRoles(t *testing.T) {
	engine := storetest.Embedded(t)
	d := newDeployment(t, engine)
	tpl := template(t)
	var guards []*guard
	guarded := func(name, role string) *lambdaruntime.Function {
		g := &guard{t: t, name: name, allowed: allowedActions(t, tpl, role), engine: d.proxyTo(engine.Endpoint())}
		guards = append(guards, g)
		srv := httptest.NewServer(g)
		t.Cleanup(srv.Close)
		d.env = append(slices.Clip(d.env), "DYNAMODB_ENDPOINT="+srv.URL)
		return d.start(name)
	}
	r := users{deployment: d, token: d.newToken(),
		site: guarded("site", "SiteRole"), organiser: guarded("organiser", "OrganiserRole"),
		mailer: guarded("mailer", "MailerRole"), feedback: guarded("feedback", "FeedbackRole"),
	}
	start := time.Now().AddDate(0, 0, 8).UTC().Truncate(time.Hour)
	times := fmt.Sprintf(
		`"startsAt":%q,"endsAt":%q`, start.Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339),
	)
	made := r.api("POST", "/events",
		`{"slug":"sal","title":"Sal","organiser":{"name":"UKON","email":"hej@example.dk"},`+times+`}`, 201)
	event := "/events/" + made["id"].(string)
	r.visit("GET", "/", "", 200)
	r.visit("GET", "/healthz", "", 200)
	for _, name := range []string{"anna", "bo", "carl", "dorte"} {
		r.visit("POST", "/e/sal/registrations", "name="+name+"&email="+name+"@example.dk", 303)
	}
	r.api("PATCH", event, `{"capacity":4,"slug":"sal2"}`, 200) // from now on one item counts the seats
	r.visit("POST", "/e/sal2/registrations", "name=Erik&email=erik@example.dk", 303)
	r.tick()
	r.visit("POST", "/e/sal2/link", "email=anna@example.dk", 303)
	r.visit("GET", r.link("erik"), "", 200)
	r.visit("GET", r.link("anna")+"/data.json", "", 200)
	r.visit("POST", r.link("anna")+"/cancel", "", 303)
	r.visit("POST", r.link("anna")+"/rejoin", "", 303)
	r.visit("POST", r.link("bo"), "name=Bo&email=bodil@example.dk", 200)
	r.visit("POST", r.link("carl")+"/erase", "confirm=yes", 200)

	d.mails.InjectFailures(local.FailTimeoutAfterAccept, 100) // so that SES events have to settle the deliveries
	r.tick()
	d.mails.InjectFailures(local.FailOff, 0)
	r.publishSendEvents(r.feedback)

	list := r.api("GET", event+"/registrations?limit=1", "", 200)["items"].([]any)
	person := list[0].(map[string]any)["id"].(string)
	r.api("PATCH", event+"/registrations/"+person, `{"email":"rettet@example.dk"}`, 200)
	r.api("POST", event+"/registrations", `{"name":"Ida","email":"ida@example.dk"}`, 201)
	r.api("GET", "/events", "", 200)
	r.api("POST", event+"/recount", "", 200)
	for _, get := range []string{
		"", "/timeline", "/numbers", "/deliveries", "/deliveries?email=anna@example.dk", "/recount",
	} {
		r.api("GET", event+get, "", 200)
	}
	r.api("PATCH", event, `{"title":"En sal"}`, 200)
	r.api("POST", event+"/notice", "", 200)
	r.api("POST", event+"/messages", `{"text":"Hej"}`, 202)
	r.api("POST", event+"/messages", `{"text":"Hej","preview":true}`, 202)
	r.tick()
	r.publishSendEvents(r.feedback)
	stored, err := d.store.Event(context.Background(), made["id"].(string))
	d.must(err)
	dorte := deltag.RegistrationID(stored, deltag.Address{Normalized: "dorte@example.dk"})
	call[any](t, r.feedback, recorded(t, "../events/ses-bounce-permanent.json", stored.ID, dorte))
	r.api("POST", event+"/clone", `{"startsAt":"2027-06-01T10:00:00Z"}`, 201)
	r.api("POST", event+"/cancel", "", 200)
	r.tick()
	for _, g := range guards {
		g.mu.Lock()
		for action, used := range g.allowed {
			if !used {
				t.Errorf("%s may %s, and never does", g.name, action)
			}
		}
		g.mu.Unlock()
	}
}

// users call the functions of a deployment.
type users struct {
	*deployment
	site, organiser, mailer, feedback *lambdaruntime.Function
	token                             string
}

func (r users) visit(method, path, form string, status int) {
	r.t.Helper()
	contentType := "Content-Type: application/x-www-form-urlencoded"
	res := httpCall(r.t, r.site, request(method, path, []byte(form), contentType))
	if res.StatusCode != status {
		r.t.Fatalf("%s %s: %d %s\n%s", method, path, res.StatusCode, res.Body, r.site.Output())
	}
}

func (r users) api(method, path, body string, status int) (response map[string]any) {
	r.t.Helper()
	authorization := "Authorization: Bearer " + r.token
	res := httpCall(r.t, r.organiser,
		request(method, "/api/v1"+path, []byte(body), authorization, "Content-Type: application/json"))
	if res.StatusCode != status {
		r.t.Fatalf("%s %s: %d %s\n%s", method, path, res.StatusCode, res.Body, r.organiser.Output())
	}
	if err := json.Unmarshal([]byte(res.Body), &response); err != nil {
		r.t.Fatal(err)
	}
	return response
}

func (r users) tick() {
	r.t.Helper()
	call[any](r.t, r.mailer, json.RawMessage(`{"tick":true}`))
}

// link is the path of the newest personal page that was mailed to a person.
func (r users) link(name string) (path string) {
	r.t.Helper()
	pattern := regexp.MustCompile(`https://deltag\.example\.dk(/r/\S+)`)
	for _, m := range r.mails.Mails() {
		if found := pattern.FindStringSubmatch(m.Text); found != nil && m.To[0] == name+"@example.dk" {
			path = found[1]
		}
	}
	if path == "" {
		r.t.Fatalf("%s has no link", name)
	}
	return path
}

// A guard forwards the requests that a role allows.
type guard struct {
	t       *testing.T
	name    string
	engine  http.Handler
	mu      sync.Mutex
	allowed map[string]bool // "Query", and "Query GSI1" on the index; true once it was used
}

// allows also records that the action was used.
func (g *guard) allows(action string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.allowed[action]
	if ok {
		g.allowed[action] = true
	}
	return ok
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	for _, action := range actionsOf(operation, body) {
		if g.allows(action) {
			continue
		}
		g.t.Errorf("%s may not %s", g.name, action)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"%s"}`, action)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.engine.ServeHTTP(w, r)
}

// actionsOf are the IAM actions that a DynamoDB request needs: for a transaction, those of its parts.
func actionsOf(operation string, body []byte) (actions []string) {
	var in struct {
		IndexName     string
		TransactItems []map[string]json.RawMessage
	}
	_ = json.Unmarshal(body, &in) // the engine reports what is wrong
	if operation != "TransactWriteItems" {
		return []string{strings.TrimSpace(operation + " " + in.IndexName)}
	}
	for _, part := range in.TransactItems {
		for kind := range part { // Put, Update, Delete or ConditionCheck
			actions = append(actions, kind+"Item")
		}
	}
	return actions
}

// allowedActions are what a role may do with the table and its index.
func allowedActions(t *testing.T, tpl object, role string) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	policies := at(t, tpl, "Resources", role, "Properties", "Policies").([]any)
	for _, statement := range at(t, policies[0].(object), "PolicyDocument", "Statement").([]any) {
		s := statement.(object)
		actions, isList := s["Action"].([]any)
		if !isList {
			actions = []any{s["Action"]}
		}
		resource := fmt.Sprint(s["Resource"])
		for _, action := range actions {
			name, ok := strings.CutPrefix(action.(string), "dynamodb:")
			switch {
			case !ok:
			case resource == "Table.Arn":
				allowed[name] = false
			case strings.HasSuffix(resource, "/index/GSI1"):
				allowed[name+" GSI1"] = false
			}
		}
	}
	if len(allowed) == 0 {
		t.Fatalf("%s allows nothing", role)
	}
	return allowed
}
