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
	guards := map[string]*guard{}
	tpl := template(t)
	for name, role := range map[string]string{
		"site": "SiteRole", "organiser": "OrganiserRole", "mailer": "MailerRole", "feedback": "FeedbackRole",
	} {
		guards[name] = &guard{t: t, name: name, statements: statements(t, tpl, role)}
	}
	on := func(engine storetest.Engine) users {
		d := newDeployment(t, engine)
		guarded := func(name string) *lambdaruntime.Function {
			guards[name].engine = d.proxyTo(engine.Endpoint())
			srv := httptest.NewServer(guards[name])
			t.Cleanup(srv.Close)
			d.env = append(slices.Clip(d.env), "DYNAMODB_ENDPOINT="+srv.URL)
			return d.start(name)
		}
		return users{deployment: d, token: d.newToken(), site: guarded("site"), organiser: guarded("organiser"),
			mailer: guarded("mailer"), feedback: guarded("feedback")}
	}
	useEverything(t, on(engine))

	// The first function that has to hash an address makes the key of the hashes. Above that was the site.
	first := on(engine.NewTable(t))
	event := "/events/" + first.newEvent().ID
	first.api("POST", event+"/registrations", `{"name":"Ida","email":"ida@example.dk"}`, 201)
	first = on(engine.NewTable(t))
	event = "/events/" + first.newEvent().ID
	first.api("POST", event+"/messages", `{"text":"Hej","preview":true}`, 202)
	first.tick()

	for name, a := range map[string]access{
		"site":      {action: "PutItem", keys: []string{"TOKEN#1"}},
		"organiser": {action: "PutItem", keys: []string{"EVENT#1", "TOKEN#1"}}, // in a transaction
		"mailer":    {action: "GetItem", keys: []string{"TOKEN#1"}},
		"feedback":  {action: "PutItem", keys: []string{"HASHKEY"}},
	} {
		if guards[name].allows(a) {
			t.Errorf("%s may %v", name, a)
		}
	}
	for name, g := range guards {
		g.mu.Lock()
		for i, s := range g.statements {
			for _, allowed := range []map[string]bool{s.actions, s.keys} {
				for what, used := range allowed {
					if !used {
						t.Errorf("statement %d on the table allows %s %s, which it never uses", i+1, name, what)
					}
				}
			}
		}
		g.mu.Unlock()
	}
}

// useEverything makes each function do all that it can do.
func useEverything(t *testing.T, r users) {
	d := r.deployment
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
	clone := r.api("POST", event+"/clone", `{"startsAt":"2027-06-01T10:00:00Z"}`, 201)["id"].(string)
	r.api("POST", "/events/"+clone+"/registrations", `{"name":"Dorte","email":"dorte@example.dk"}`, 201)
	r.tick() // her address has bounced
	r.api("POST", event+"/cancel", "", 200)
	r.tick()
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
	t          *testing.T
	name       string
	engine     http.Handler
	mu         sync.Mutex
	statements []*statement
}

// A statement allows actions on items whose partition keys are like one of keys; on an index, its partition keys.
type statement struct {
	index   bool
	actions map[string]bool // true once it was used
	keys    map[string]bool
}

// An access is one action that IAM is asked about, with the partition keys that it is on.
type access struct {
	index  bool
	action string
	keys   []string
}

// allows also records what was used.
func (g *guard) allows(a access) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.statements {
		_, known := s.actions[a.action]
		if !known || s.index != a.index {
			continue
		}
		var used []string
		for _, key := range a.keys {
			for pattern := range s.keys {
				if isLike(key, pattern) {
					used = append(used, pattern)
				}
			}
		}
		if len(used) == len(a.keys) {
			s.actions[a.action] = true
			for _, pattern := range used {
				s.keys[pattern] = true
			}
			return true
		}
	}
	return false
}

// isLike is IAM's StringLike, for patterns with no * but at the end.
func isLike(s, pattern string) bool {
	prefix, ok := strings.CutSuffix(pattern, "*")
	return s == pattern || ok && strings.HasPrefix(s, prefix)
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	for _, a := range accesses(g.t, operation, body) {
		if g.allows(a) {
			continue
		}
		g.t.Errorf("%s may not %+v", g.name, a)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"%s"}`, a.action)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.engine.ServeHTTP(w, r)
}

// accesses are what IAM is asked about for a DynamoDB request: for a transaction, each of its parts.
func accesses(t *testing.T, operation string, body []byte) (all []access) {
	type attributes = map[string]struct{ S string }
	type part struct {
		Key, Item                         attributes
		IndexName, KeyConditionExpression string
		ExpressionAttributeValues         attributes
	}
	var request struct {
		part
		RequestItems  map[string]struct{ Keys []attributes } // of BatchGetItem, by table
		TransactItems []map[string]part
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Error(err)
	}
	switch operation {
	case "TransactWriteItems":
		var keys []string
		for _, item := range request.TransactItems {
			for kind, p := range item { // Put, Update, Delete or ConditionCheck
				keys = append(keys, p.Key["PK"].S+p.Item["PK"].S)
				all = append(all, access{action: kind + "Item"})
			}
		}
		for i := range all {
			// AWS does not document whether each part is judged by its own key or by all of them: this is stricter.
			all[i].keys = keys
		}
		return all
	case "BatchGetItem":
		a := access{action: operation}
		for _, table := range request.RequestItems {
			for _, key := range table.Keys {
				a.keys = append(a.keys, key["PK"].S)
			}
		}
		return []access{a}
	case "Query":
		// The store's key conditions begin so, on the table and on its index.
		if !regexp.MustCompile(`^(GSI1)?PK = :pk\b`).MatchString(request.KeyConditionExpression) {
			t.Errorf("which partition is %q?", request.KeyConditionExpression)
		}
		keys := []string{request.ExpressionAttributeValues[":pk"].S}
		return []access{{index: request.IndexName != "", action: operation, keys: keys}}
	}
	return []access{{action: operation, keys: []string{request.Key["PK"].S + request.Item["PK"].S}}}
}

// statements are what a role allows on the table and its index.
func statements(t *testing.T, tpl object, role string) (all []*statement) {
	t.Helper()
	policies := at(t, tpl, "Resources", role, "Properties", "Policies").([]any)
	for _, allowed := range at(t, policies[0].(object), "PolicyDocument", "Statement").([]any) {
		s := statement{actions: map[string]bool{}, keys: map[string]bool{}}
		switch resource := fmt.Sprint(at(t, allowed.(object), "Resource")); {
		case strings.HasSuffix(resource, "/index/GSI1"):
			s.index = true
		case resource != "Table.Arn":
			continue
		}
		for _, action := range texts(at(t, allowed.(object), "Action")) {
			s.actions[strings.TrimPrefix(action, "dynamodb:")] = false
		}
		for _, key := range texts(at(t, allowed.(object), "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")) {
			s.keys[key] = false
		}
		all = append(all, &s)
	}
	if len(all) == 0 {
		t.Fatalf("%s allows nothing", role)
	}
	return all
}

// texts is a list, or a single text, of the template.
func texts(v any) (all []string) {
	if text, ok := v.(string); ok {
		return []string{text}
	}
	for _, text := range v.([]any) {
		all = append(all, text.(string))
	}
	return all
}
