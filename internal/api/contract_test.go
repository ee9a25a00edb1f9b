package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"deltag/internal/deltag"
	"deltag/internal/testing/contract"
)

func TestContractIsGenerated(t *testing.T) {
	out := filepath.Join(t.TempDir(), "contract.gen.go")
	generate := exec.Command("go", "tool", "oapi-codegen", "-config", "generate.yaml", "-o", out, "../../openapi.yaml")
	if raw, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	fresh, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("contract.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fresh, committed) {
		t.Error("contract.gen.go is older than openapi.yaml: run go generate ./internal/api")
	}
}

// TestContractEnumerations compares them with the constants of the domain's types, as its source declares them.
func TestContractEnumerations(t *testing.T) {
	constants := domainConstants(t)
	for schema, domainType := range map[string]string{
		"Language": "Language", "EventStatus": "EventStatus", "RegistrationStatus": "RegistrationStatus",
		"AddressStatus": "AddressStatus", "DeliveryStatus": "DeliveryStatus", "MailingStatus": "MailingStatus",
		"QuestionKind": "QuestionKind", "Role": "Role", "AuditEntry.channel": "Channel",
		"SignUp.language": "Language", "PublicSignUp.language": "Language",
		"RegistrationEdit.status": "RegistrationStatus",
	} {
		t.Run(schema, func(t *testing.T) { wantEqual(t, enumeration(property(t, schema)), constants[domainType]) })
	}
	t.Run("NewMessage.audience", func(t *testing.T) { // people are picked in the console's list alone
		wantEqual(t, enumeration(property(t, "NewMessage.audience")), slices.DeleteFunc(constants["Audience"], func(a string) bool {
			return a == string(deltag.AudienceSelected)
		}))
	})
	t.Run("NewEvent.status", func(t *testing.T) { // an event is cancelled by the operation alone
		withoutCancelled := slices.DeleteFunc(slices.Clone(constants["EventStatus"]), func(s string) bool {
			return s == string(deltag.EventCancelled)
		})
		wantEqual(t, enumeration(property(t, "NewEvent.status")), withoutCancelled)
		wantEqual(t, enumeration(property(t, "EventEdit.status")), withoutCancelled)
	})
	t.Run("MailKind", func(t *testing.T) {
		var kinds []string
		for _, k := range deltag.MailKinds {
			kinds = append(kinds, string(k))
		}
		slices.Sort(kinds)
		wantEqual(t, kinds, slices.DeleteFunc(constants["MailKind"], func(k string) bool {
			return deltag.MailKind(k).IsAccountKind() // of no event
		}))
		var named []string
		for name := range strings.SplitSeq(strings.Trim(property(t, "MailKind").Pattern, "^()$"), "|") {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == "" {
				named = append(named, name)
			}
		}
		slices.Sort(named)
		wantEqual(t, named, kinds)
	})
}

// enumeration is what a schema allows, sorted, without what stands for nothing.
func enumeration(s *openapi3.Schema) []string {
	var values []string
	for _, v := range s.Enum {
		if text, _ := v.(string); text != "" {
			values = append(values, text)
		}
	}
	slices.Sort(values)
	return values
}

// property is a schema of the contract, or the property behind a dot of one.
func property(t *testing.T, name string) *openapi3.Schema {
	t.Helper()
	name, field, _ := strings.Cut(name, ".")
	schema := contract.Schema(t, name)
	for field != "" {
		var part string
		part, field, _ = strings.Cut(field, ".")
		if part == "items" {
			schema = schema.Items.Value
			continue
		}
		found := schema.Properties[part]
		if found == nil {
			t.Fatalf("%s has no property %s", name, part)
		}
		if schema = found.Value; len(schema.AllOf) == 1 {
			schema = schema.AllOf[0].Value
		}
	}
	return schema
}

// domainConstants are the values of package deltag's string constants by their type, sorted.
func domainConstants(t *testing.T) map[string][]string {
	t.Helper()
	sources, err := filepath.Glob("../deltag/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal("no source of package deltag: ", err)
	}
	byType := map[string][]string{}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 {
				return true
			}
			name, hasType := spec.Type.(*ast.Ident)
			literal, isLiteral := spec.Values[0].(*ast.BasicLit)
			if hasType && isLiteral && literal.Kind == token.STRING {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				byType[name.Name] = append(byType[name.Name], value)
			}
			return true
		})
	}
	for _, values := range byType {
		slices.Sort(values)
	}
	return byType
}

func TestContractLimits(t *testing.T) {
	for name, limit := range map[string]int{
		"NewToken.name": deltag.MaxName, "NewEvent.title": deltag.MaxTitle, "EventEdit.title": deltag.MaxTitle, "Clone.title": deltag.MaxTitle,
		"NewEvent.description": deltag.MaxDescription, "EventEdit.description": deltag.MaxDescription,
		"Reminder.text": deltag.MaxDescription, "NewMessage.text": deltag.MaxDescription,
		"Organiser.name": deltag.MaxName, "OrganiserEdit.name": deltag.MaxName,
		"Question.options.items": deltag.MaxName,
		"SignUp.name":            deltag.MaxName, "SignUp.organisation": deltag.MaxName, "SignUp.role": deltag.MaxName,
		"PublicSignUp.name": deltag.MaxName, "PublicSignUp.organisation": deltag.MaxName,
		"PublicSignUp.role": deltag.MaxName, "RegistrationEdit.name": deltag.MaxName,
		"RegistrationEdit.organisation": deltag.MaxName, "RegistrationEdit.role": deltag.MaxName,
		"Address": deltag.MaxAddress, "RegistrationEdit.email": deltag.MaxAddress,
	} {
		if got := property(t, name).MaxLength; got == nil || *got != uint64(limit) {
			t.Errorf("%s is not of at most %d characters", name, limit)
		}
	}
	for name, limit := range map[string]int{
		"NewEvent.questions": deltag.MaxQuestions, "EventEdit.questions": deltag.MaxQuestions,
		"NewEvent.reminders": deltag.MaxReminders, "EventEdit.reminders": deltag.MaxReminders,
		"Question.options": deltag.MaxOptions,
	} {
		if got := property(t, name).MaxItems; got == nil || *got != uint64(limit) {
			t.Errorf("%s has not at most %d items", name, limit)
		}
	}
	for name, limit := range map[string]int{
		"NewEvent.capacity": deltag.MaxCapacity, "EventEdit.capacity": deltag.MaxCapacity,
		"NewEvent.retentionDays": deltag.MaxRetention, "EventEdit.retentionDays": deltag.MaxRetention,
	} {
		if s := property(t, name); s.Max == nil || *s.Max != float64(limit) || s.Min == nil || *s.Min != 1 {
			t.Errorf("%s is not from 1 to %d", name, limit)
		}
	}
	answer := contract.Schema(t, "NewAnswers").AdditionalProperties.Schema.Value.Items.Value
	wantEqual(t, *answer.MaxLength, uint64(deltag.MaxLongText))
	for _, words := range []string{
		fmt.Sprintf("at most %d characters", deltag.MaxShortText), "`" + deltag.CheckedValue + "`",
	} {
		if description := contract.Schema(t, "NewAnswers").Description; !strings.Contains(description, words) {
			t.Errorf("the description of answers lacks %q: %s", words, description)
		}
	}
}

// A verdict is what contract and server think of an input.
type verdict struct{ Contract, Server bool }

// wantSame fails the test when they differ, or are not what a sample was meant for.
func (v verdict) wantSame(t *testing.T, sample any, accepted bool) {
	t.Helper()
	if v.Contract != accepted || v.Server != accepted {
		t.Errorf("%#v: contract %v, server %v, want %v", sample, v.Contract, v.Server, accepted)
	}
}

const null = "\x00null" // a sample that stands for null

func long(n int) string { return strings.Repeat("å", n) }

// fieldSamples are values of a field that both must accept, and some that both must refuse. They are near the border.
var fieldSamples = map[string]struct{ accepted, refused []any }{
	"title":       {[]any{"Å", long(120), "Tag\u00a0med"}, []any{"", " ", "\u3000", long(121), "a\tb", "a\u202eb", 7, null}},
	"description": {[]any{"", "a\r\n\tb", long(5000), null}, []any{"a\vb", "a\x7f", "a\u2028", long(5001), false}},
	"slug": {
		[]any{"a", "0-a", strings.Repeat("a", 60)},
		[]any{"-a", "a-", "Å", "A", "a_b", strings.Repeat("a", 61), "..", null},
	},
	"language": {[]any{"da", "en"}, []any{"", "sv", "DA", null}},
	"status":   {[]any{"draft", "open", "closed"}, []any{"cancelled", "Open", "", null}},
	"startsAt": {
		[]any{"2026-12-01T13:00:00Z", "2026-12-01T13:59:59.999+00:30"},
		[]any{
			"2026-12-01T13:00:00", "2026-12-01 13:00:00Z", "2026-12-01T13:00:00z", "2026-12-01", "2026-13-01T13:00:00Z",
			"2026-12-01T13:00:60Z", "1999-12-31T23:00:00Z", "0001-01-01T00:00:00Z", 1764594000, null,
		},
	},
	"signUpOpensAt": {
		[]any{"2000-01-01T00:00:00Z", "2199-12-31T23:59:59Z", null},
		[]any{"1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", ""},
	},
	"signUpClosesAt": {[]any{"2199-12-31T23:59:59Z", null}, []any{"1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z"}},
	"capacity":       {[]any{1, 100_000, null}, []any{0, -1, 100_001, 1.5, "10", true}},
	"retentionDays":  {[]any{1, 365}, []any{0, 366, "30", null}},
	"waitingList":    {[]any{true, false}, []any{"yes", 1, null}},
	"promoteUntil": {
		[]any{"-PT30M", "PT0M", "-P1DT2H3M", "-P60D", null},
		[]any{"", "P", "-P", "-PT", "-P1DT", "-PT1S", "-P1W", "-PT0.5H", "-p1d", "-P00001D", "30"},
	},
	"joinUrl": {
		[]any{
			"", null, "https://meet.example.org", "HTTPS://meet.example.org:8443/a%20b?c=%C3%A5#d", "https://blåbær.dk/æ",
			"https://a_b.example.org/" + strings.Repeat("a", 1970),
		},
		[]any{
			"http://meet.example.org", "https://", "https:///a", "https://anna@example.org", "https://a b.example.org",
			"https://example.org/a b", "https://example.org/%zz", "https://example.org\\a", "javascript:alert(1)",
			"//example.org", "https://example.org/\u202e", " https://example.org", "https://example.org:a",
			"https://a.example.org/" + strings.Repeat("a", 2000),
		},
	},
	"organiser.name": {[]any{"U", long(200)}, []any{"", " ", long(201), "a\nb", null}},
	"organiser.email": {
		[]any{"a@example.dk", "A.b+c@blåbær.dk", "a@example。dk", "a@r3---sn.example.dk", "o'x@xn--blbr-uoac.dk", strings.Repeat("a", 64) + "@example.dk"},
		[]any{
			"", "a", "@example.dk", "a@", "a@@example.dk", "a b@example.dk", "å@example.dk", ".a@example.dk",
			"a.@example.dk", "a..b@example.dk", `"a"@example.dk`, "a@exa mple.dk", "a@example,dk", "a@[127.0.0.1]",
			"a@ex_ample.dk", "a@example", "a@.dk", "a@example..dk", "a@example.dk.",
			"a@-example.dk", "a@example-.dk", "A <a@example.dk>", strings.Repeat("a", 244) + "@example.dk", null,
		},
	},
	"questions": {
		[]any{
			null, []any{}, []any{question(nil)}, []any{question(map[string]any{"required": nil, "options": nil})},
			[]any{question(map[string]any{"kind": "choice", "options": []any{"Ja", long(200)}})},
			[]any{question(map[string]any{"id": strings.Repeat("a", 40), "label": long(500)})},
		},
		[]any{
			"x", []any{nil}, []any{question(map[string]any{"id": ""})}, []any{question(map[string]any{"id": "A"})},
			[]any{question(map[string]any{"id": strings.Repeat("a", 41)})}, []any{question(map[string]any{"kind": "date"})},
			[]any{question(map[string]any{"label": " "})}, []any{question(map[string]any{"label": long(501)})},
			[]any{question(map[string]any{"kind": "choice", "options": []any{""}})},
			[]any{question(map[string]any{"kind": "choice", "options": []any{long(201)}})},
			[]any{question(map[string]any{"kind": "choice", "options": []any{nil}})},
			[]any{question(map[string]any{"kind": nil})}, []any{question(map[string]any{"help": "?"})},
			[]any{map[string]any{"id": "a", "kind": "short"}},
		},
	},
	"reminders": {
		[]any{
			null, []any{}, []any{map[string]any{"offset": "-P1D", "kind": nil, "text": nil}},
			[]any{map[string]any{"offset": "-P1D", "kind": "reminder-P1D", "text": "a\nb"}},
			[]any{map[string]any{"offset": "PT1H", "kind": "followup-missed", "text": long(5000)}},
		},
		[]any{
			[]any{nil}, []any{map[string]any{"text": "a"}}, []any{map[string]any{"offset": "1h"}},
			[]any{map[string]any{"offset": nil}}, []any{map[string]any{"offset": "-P1D", "kind": ""}},
			[]any{map[string]any{"offset": "-P1D", "kind": "reminder"}},
			[]any{map[string]any{"offset": "-P1D", "text": long(5001)}},
		},
	},
	"remindOrganiser":  {[]any{true, null}, []any{"yes"}},
	"confirmationText": {[]any{"", null, "Kære {name}\n\ta", long(5000)}, []any{long(5001), "a\u202e", 1}},
	"timeZone":         {[]any{"Europe/Copenhagen", "UTC"}, []any{"", null, 1}},
	"secret":           {nil, []any{"x", null}},
	"Title":            {nil, []any{"x"}},
}

func question(changes map[string]any) map[string]any {
	q := map[string]any{"id": "hvad", "kind": "short", "label": "Hvad?"}
	for name, value := range changes {
		q[name] = value
	}
	return q
}

// TestContractAcceptsWhatTheServerDoes sends values near the border of each rule to the server, and holds them against
// openapi.yaml: none may be stricter.
func TestContractAcceptsWhatTheServerDoes(t *testing.T) {
	for field, samples := range fieldSamples {
		t.Run("NewEvent."+field, func(t *testing.T) {
			s := newTestServer(t)
			created := 0
			for i, sample := range slices.Concat(samples.accepted, samples.refused) {
				created++
				event := map[string]any{
					"title": fmt.Sprint("Nr. ", created), "slug": fmt.Sprint("nr-", created),
					"startsAt": "2026-12-01T13:00:00Z", "endsAt": "2026-12-01T14:00:00Z",
					"organiser": map[string]any{"name": "UKON", "email": "hej@example.dk"},
				}
				set(event, field, sample)
				v := verdict{conforms(t, "NewEvent", event), s.accepts("POST", "/api/v1/events", event)}
				v.wantSame(t, sample, i < len(samples.accepted))
			}
		})
		t.Run("EventEdit."+field, func(t *testing.T) {
			s := newTestServer(t)
			path := s.createEvent()
			for i, sample := range slices.Concat(samples.accepted, samples.refused) {
				edit := map[string]any{}
				set(edit, field, sample)
				v := verdict{conforms(t, "EventEdit", edit), s.accepts("PATCH", path, edit)}
				v.wantSame(t, sample, i < len(samples.accepted))
			}
		})
	}
}

func set(object map[string]any, field string, value any) {
	if value == null {
		value = nil
	}
	outer, inner, isInner := strings.Cut(field, ".")
	if !isInner {
		object[field] = value
		return
	}
	within, ok := object[outer].(map[string]any)
	if !ok {
		within = map[string]any{}
		object[outer] = within
	}
	within[inner] = value
}

// conforms says whether a body is what a schema of the contract allows.
func conforms(t *testing.T, schema string, body any) bool {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		t.Fatal(err)
	}
	return contract.Schema(t, schema).VisitJSON(decoded, openapi3.VisitAsRequest(), openapi3.EnableFormatValidation()) == nil
}

// accepts says whether the server takes a body. Anything but a success or a refusal of the input is fatal.
func (s *testServer) accepts(method, path string, body any, header ...string) bool {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.answersYes(method, path, string(raw), header...)
}

func (s *testServer) answersYes(method, path, body string, header ...string) bool {
	s.t.Helper()
	switch status := s.do(method, path, body, header...).StatusCode; status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
		return true
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return false
	default:
		s.t.Fatalf("%s %s: %d\n%s", method, path, status, body)
		return false
	}
}

func TestContractOfSignUps(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent() + "/registrations"
	one := path + "/" + s.mustCall(201, "POST", path, `{"name":"Åse","email":"aase@example.dk"}`)["id"].(string)
	for field, samples := range map[string]struct{ accepted, refused []any }{
		"name":         {[]any{"Å", long(200)}, []any{"", " ", long(201), "a\nb", "a\u2066"}},
		"email":        {[]any{"mette@example.dk"}, []any{"mette", "mette@", ""}},
		"organisation": {[]any{"", long(200), null}, []any{long(201), "a\tb", 1}},
		"role":         {[]any{"", long(200), null}, []any{long(201), "a\tb", []any{"a"}}},
		"updates":      {[]any{true, false, null}, []any{"yes", 1}},
		"answers": {
			[]any{null, map[string]any{}, map[string]any{"hvad": []any{"Alt"}}, map[string]any{"hvad": nil}},
			[]any{[]any{}, map[string]any{"hvad": "Alt"}, map[string]any{"hvad": []any{nil}}, map[string]any{"hvad": []any{1}},
				map[string]any{"hvad": []any{"a\x01"}}, map[string]any{"hvad": []any{long(4001)}}},
		},
		"Name": {nil, []any{"a"}},
	} {
		for i, sample := range slices.Concat(samples.accepted, samples.refused) {
			accepted := i < len(samples.accepted)
			body := map[string]any{"name": "Mette", "email": "mette@example.dk"}
			set(body, field, sample)
			verdict{conforms(t, "SignUp", body), s.accepts("POST", path, body)}.wantSame(t, body, accepted)
			if field != "email" { // another address is another registration
				edit := map[string]any{}
				set(edit, field, sample)
				verdict{conforms(t, "RegistrationEdit", edit), s.accepts("PATCH", one, edit)}.wantSame(t, edit, accepted)
			}
		}
	}
	for language, accepted := range map[any]bool{"da": true, "en": true, "": true, null: true, "sv": false, 1: false} {
		body := map[string]any{"name": "Mette", "email": "mette@example.dk"}
		set(body, "language", language)
		verdict{conforms(t, "SignUp", body), s.accepts("POST", path, body)}.wantSame(t, body, accepted)
	}
	for _, missing := range []string{"name", "email"} {
		body := map[string]any{"name": "Mette", "email": "mette@example.dk"}
		delete(body, missing)
		verdict{conforms(t, "SignUp", body), s.accepts("POST", path, body)}.wantSame(t, body, false)
	}
}

func TestContractOfClones(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent() + "/clone"
	for field, samples := range map[string]struct{ accepted, refused []any }{
		"slug":     {[]any{"kopi", null}, []any{"", "Kopi", "-", strings.Repeat("a", 61)}},
		"title":    {[]any{long(120), null}, []any{"", long(121), "a\nb"}},
		"startsAt": {[]any{"2027-01-01T09:00:00+01:00"}, []any{"2027-01-01", "1999-01-01T00:00:00Z", null}},
		"status":   {nil, []any{"open"}},
	} {
		for i, sample := range slices.Concat(samples.accepted, samples.refused) {
			body := map[string]any{"startsAt": fmt.Sprintf("2027-%02d-%02dT09:00:00Z", len(field), i+1)}
			set(body, field, sample)
			v := verdict{conforms(t, "Clone", body), s.accepts("POST", path, body)}
			v.wantSame(t, body, i < len(samples.accepted))
		}
	}
	wantEqual(t, conforms(t, "Clone", map[string]any{}), s.accepts("POST", path, map[string]any{}))
}

func TestContractOfMessages(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent() + "/messages"
	for field, samples := range map[string]struct{ accepted, refused []any }{
		"text":     {[]any{"a\n\tb", long(5000)}, []any{"", " \n", "a\x00", long(5001), null}},
		"audience": {[]any{"all", "confirmed", "waiting", "attended", "missed", "", null}, []any{"some", "All", 1}},
		"preview":  {[]any{true, false, null}, []any{"yes"}},
		"subject":  {nil, []any{"x"}},
	} {
		for i, sample := range slices.Concat(samples.accepted, samples.refused) {
			body := map[string]any{"text": fmt.Sprint(field, i)}
			set(body, field, sample)
			v := verdict{conforms(t, "NewMessage", body), s.accepts("POST", path, body)}
			v.wantSame(t, body, i < len(samples.accepted))
		}
	}
	key := contract.Operation(t, "sendMessage").Parameters.GetByInAndName("header", "Idempotency-Key").Schema.Value
	for sample, accepted := range map[string]bool{
		"12345678": true, "1234567": false, "en nøgle": false, "a\tb\tc\td\te": false, "~!a b c{}": true,
		strings.Repeat("a", 100): true, strings.Repeat("b", 101): false,
	} {
		text := map[string]any{"text": sample}
		v := verdict{key.VisitJSON(sample) == nil, s.accepts("POST", path, text, "Idempotency-Key: "+sample)}
		v.wantSame(t, sample, accepted)
	}
}

func TestContractOfParameters(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent() + "/deliveries"
	for name, samples := range map[string]struct{ accepted, refused []any }{
		"limit": {[]any{1, 200}, []any{0, 201, -1, "x", 1.5}},
		"status": {
			[]any{"pending", "sending", "sent", "delivered", "bounced", "complained", "skipped", "failed", "unknown"},
			[]any{"", "lost", "Sent"},
		},
		"kind": {
			[]any{"confirmation", "erased", "preview", "followup-missed", "reminder-P1D", "reminder-PT90M", "reminder-P1DT2H3M"},
			[]any{"", "reminder", "reminder-", "reminder--P1D", "reminder-P", "reminder-1D", "Confirmation", "sms"},
		},
		"email":  {[]any{"a@example.dk"}, []any{"", "a"}},
		"cursor": {[]any{""}, []any{"x y", "/", "æ"}},
	} {
		parameter := contract.Operation(t, "listDeliveries").Parameters.GetByInAndName("query", name)
		for i, sample := range slices.Concat(samples.accepted, samples.refused) {
			query := url.Values{name: {fmt.Sprint(sample)}}.Encode()
			decoded := sample
			if n, isInt := sample.(int); isInt {
				decoded = float64(n)
			}
			v := verdict{parameter.Schema.Value.VisitJSON(decoded) == nil, s.answersYes("GET", path+"?"+query, "")}
			v.wantSame(t, name+"="+fmt.Sprint(sample), i < len(samples.accepted))
		}
	}
}

// TestContractOfIDs holds the patterns of ids against ids as they are made.
func TestContractOfIDs(t *testing.T) {
	s := newTestServer(t)
	event := s.createEvent()
	s.mustCall(201, "POST", event+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	delivery := s.items(event + "/deliveries")[0]
	id := strings.TrimPrefix(event, "/api/v1/events/")
	for name, values := range map[string]map[string]bool{
		"id": {
			id: deltag.IsID(id), strings.ToUpper(id): deltag.IsID(strings.ToUpper(id)), id[1:]: deltag.IsID(id[1:]),
			id[1:] + "1": deltag.IsID(id[1:] + "1"),
		},
		"rid": {delivery["registrationId"].(string): true, "": false},
		"did": {delivery["id"].(string): true, id + ".confirmation": false, id + ".reminder-P1D.12": true, id + ".a.0": false},
	} {
		parameter := contract.Parameter(t, name).Schema.Value
		for value, wanted := range values {
			if got := parameter.VisitJSON(value) == nil; got != wanted {
				t.Errorf("%s %q: %v, want %v", name, value, got, wanted)
			}
		}
	}
	ifMatch := contract.Operation(t, "editEvent").Parameters.GetByInAndName("header", "If-Match").Schema.Value
	for value, wanted := range map[string]bool{
		"*": true, `"1"`: true, `W/"1"`: true, `"1", "x",W/"y"`: true, `""`: true, "1": false, `"1" "2"`: false, `"1",`: false,
	} {
		if got := ifMatch.VisitJSON(value) == nil; got != wanted {
			t.Errorf("If-Match %s: %v, want %v", value, got, wanted)
		}
	}
}
