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

	"github.com/google/go-cmp/cmp"

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

	// The organiser alone makes the key of the hashes: above with the first event, here with the first address.
	on(engine.NewTable(t)).organise("POST", "/organiser/sign-in", "email=owner@example.dk", "", 200)

	for name, a := range map[string]access{
		"site":      {action: "PutItem", keys: []string{"TOKEN#1"}},
		"mailer":    {action: "PutItem", keys: []string{"HASHKEY"}},
		"organiser": {action: "PutItem", keys: []string{"EVENT#1", "HASHKEY"}}, // in a transaction
		"feedback":  {action: "PutItem", keys: []string{"HASHKEY"}},
	} {
		if guards[name].allows(a) {
			t.Errorf("%s may %v", name, a)
		}
	}
	var records []object
	for name, g := range guards {
		g.mu.Lock()
		records = append(records, g.records...)
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
	t.Run("EachEventGoesWhereItIsHandled", func(t *testing.T) { checkPatterns(t, records) })
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

	stored, err := d.store.Event(context.Background(), made["id"].(string))
	d.must(err)
	id := func(name string) string {
		return deltag.RegistrationID(stored, deltag.Address{Normalized: name + "@example.dk"})
	}
	r.api("GET", event+"/registrations?limit=1", "", 200)
	r.api("PATCH", event+"/registrations/"+id("erik"), `{"email":"rettet@example.dk"}`, 200)
	r.api("POST", event+"/registrations", `{"name":"Ida","email":"ida@example.dk"}`, 201)
	r.api("GET", "/events", "", 200)
	r.api("POST", event+"/recount", "", 200)
	for _, get := range []string{
		"", "/timeline", "/numbers", "/deliveries", "/deliveries?email=anna@example.dk", "/recount",
	} {
		r.api("GET", event+get, "", 200)
	}
	r.api("PATCH", event, `{"title":"En sal","retentionDays":40}`, 200)
	r.api("POST", event+"/notice", "", 200)
	r.api("POST", event+"/messages", `{"text":"Hej"}`, 202)
	r.api("POST", event+"/messages", `{"text":"Hej","preview":true}`, 202)
	r.tick()
	r.publishSendEvents(r.feedback)
	dorte := id("dorte")
	call[any](t, r.feedback, recorded(t, "../events/ses-delivery.json", stored.ID, dorte))
	call[any](t, r.feedback, recorded(t, "../events/ses-bounce-permanent.json", stored.ID, dorte))
	r.api("POST", event+"/deliveries/"+dorte+".confirmation.1/resend", "", 202) // which lifts the suppression
	r.tick()
	call[any](t, r.feedback, recorded(t, "../events/ses-bounce-permanent.json", stored.ID, dorte))
	clone := r.api("POST", event+"/clone", `{"startsAt":"2027-06-01T10:00:00Z"}`, 201)["id"].(string)
	r.api("POST", "/events/"+clone+"/registrations", `{"name":"Dorte","email":"dorte@example.dk"}`, 201)
	r.api("DELETE", "/events/"+clone, "", 409)
	unused := r.api("POST", event+"/clone", `{"startsAt":"2027-06-08T10:00:00Z"}`, 201)["id"].(string)
	r.api("PATCH", "/events/"+unused, `{"capacity":4}`, 200)
	r.api("DELETE", "/events/"+unused, "", 204)
	r.tick() // her address has bounced
	nina := request("POST", "/e/sal2/registrations", []byte("name=Nina&email=nina@example.dk"),
		"Content-Type: application/x-www-form-urlencoded")
	nina.RequestContext.HTTP.SourceIP = "198.51.100.7"
	want(t, httpCall(t, r.site, nina).StatusCode, 303)
	hers, err := d.store.DeliveriesOf(context.Background(), stored.ID, id("nina"))
	d.must(err)
	for range 5 {
		d.must(d.store.CountFeedback(context.Background(), hers[0], deltag.FeedbackCounts{Bounced: 1}, time.Now()))
	}
	r.tick()
	r.api("POST", event+"/deliveries/"+hers[0].ID()+"/resend", "", 202) // which was held
	r.api("POST", event+"/cancel", "", 200)
	r.tick()
	r.organise("POST", "/organiser/sign-in", "email=owner@example.dk", "", 200)
	r.tick()
	r.publishSendEvents(r.feedback)
	signIn := regexp.MustCompile(`https://deltag\.example\.dk(/organiser/sign-in/\S+)`)
	mails := r.mails.Mails()
	link := signIn.FindStringSubmatch(mails[len(mails)-1].Text)[1]
	cookies := r.organise("POST", link, "", "", 303)
	cookie, _, _ := strings.Cut(cookies[0], ";")
	r.organise("GET", "/organiser", "", cookie, 200)
	for _, form := range []string{"", "&step=export", "&confirm=yes"} {
		r.organise("POST", "/organiser/people", "email=dorte@example.dk"+form, cookie, 200)
	}
	r.organise("POST", "/organiser/members", "email=new@example.dk&role=reader", cookie, 303)
	r.organise("POST", "/organiser/tokens", "name=crm&role=reader&expires=2036-01-01", cookie, 200)
	tokens, err := d.store.Tokens(context.Background())
	d.must(err)
	r.organise("POST", "/organiser/tokens/"+tokens[0].ID+"/revoke", "", cookie, 303)
	r.organise("GET", "/organiser/history", "", cookie, 200)
	r.organise("POST", "/organiser/sign-out", "", cookie, 303)
}

// organise sends a request of an organiser's browser, and returns the cookies that the answer sets.
func (r users) organise(method, path, form, cookie string, status int) []string {
	r.t.Helper()
	res := httpCall(r.t, r.organiser, request(method, path, []byte(form), "Cookie: "+cookie,
		"Content-Type: application/x-www-form-urlencoded"))
	if res.StatusCode != status {
		r.t.Fatalf("%s %s: %d %s\n%s", method, path, res.StatusCode, res.Body, r.organiser.Output())
	}
	return res.Cookies
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
	if res.Body == "" {
		return nil
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
	records    []object // what the table's stream would say of its writes
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
	accesses, written := parseRequest(g.t, operation, body)
	for _, a := range accesses {
		if g.allows(a) {
			continue
		}
		g.t.Errorf("%s may not %+v", g.name, a)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"%s"}`, a.action)
		return
	}
	before := g.items(r, written)
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.engine.ServeHTTP(w, r)
	after := g.items(r, written)
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, p := range written {
		if record := streamRecord(p.keys(), before[i], after[i]); record != nil {
			g.records = append(g.records, record)
		}
	}
}

// items reads what the engine has at each key, past the role. r is a request that the engine takes.
func (g *guard) items(r *http.Request, at []part) (items []object) {
	for _, p := range at {
		body, err := json.Marshal(object{"TableName": p.TableName, "Key": p.keys(), "ConsistentRead": true})
		if err != nil {
			g.t.Error(err)
		}
		get := r.Clone(context.WithoutCancel(r.Context()))
		get.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
		get.Body, get.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		answer := httptest.NewRecorder()
		g.engine.ServeHTTP(answer, get)
		var got struct{ Item object }
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != http.StatusOK {
			g.t.Errorf("%d %s: %v", answer.Code, answer.Body, err)
		}
		items = append(items, got.Item)
	}
	return items
}

// streamRecord is the record of a write in a stream of new and old images, and nil if nothing has changed.
func streamRecord(keys attributes, before, after object) object {
	images := object{"Keys": keys}
	name := "MODIFY"
	switch {
	case before == nil && after == nil || cmp.Equal(before, after):
		return nil
	case before == nil:
		name = "INSERT"
	case after == nil:
		name = "REMOVE"
	}
	if before != nil {
		images["OldImage"] = before
	}
	if after != nil {
		images["NewImage"] = after
	}
	return object{"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": images}
}

// attributes of an item, as far as they are strings.
type attributes = map[string]struct {
	S string `json:",omitempty"`
}

// A part of a DynamoDB request.
type part struct {
	Key, Item                                    attributes
	TableName, IndexName, KeyConditionExpression string
	ExpressionAttributeValues                    attributes
}

// keys are those of the item that the part is about.
func (p part) keys() attributes {
	from := p.Key
	if from == nil {
		from = p.Item
	}
	return attributes{"PK": from["PK"], "SK": from["SK"]}
}

// parseRequest reads a DynamoDB request: what IAM is asked about, for a transaction each of its parts, and the parts
// that write.
func parseRequest(t *testing.T, operation string, body []byte) (all []access, written []part) {
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
				if kind != "ConditionCheck" {
					written = append(written, p)
				}
			}
		}
		for i := range all {
			// AWS does not document whether each part is judged by its own key or by all of them: this is stricter.
			all[i].keys = keys
		}
		return all, written
	case "BatchGetItem":
		a := access{action: operation}
		for _, table := range request.RequestItems {
			for _, key := range table.Keys {
				a.keys = append(a.keys, key["PK"].S)
			}
		}
		return []access{a}, nil
	case "Query":
		// The store's key conditions begin so, on the table and on its index.
		if !regexp.MustCompile(`^(GSI1)?PK = :pk\b`).MatchString(request.KeyConditionExpression) {
			t.Errorf("which partition is %q?", request.KeyConditionExpression)
		}
		keys := []string{request.ExpressionAttributeValues[":pk"].S}
		return []access{{index: request.IndexName != "", action: operation, keys: keys}}, nil
	case "PutItem", "UpdateItem", "DeleteItem":
		written = []part{request.part}
	}
	return []access{{action: operation, keys: []string{request.keys()["PK"].S}}}, written
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
