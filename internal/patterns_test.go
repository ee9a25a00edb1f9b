package internal_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

// A patternCase is an event, and the rules and stream filters that have to match it.
type patternCase struct {
	what  string
	event object
	rules []string // sorted
}

// checkPatterns runs the patterns of the transformed template with the library that AWS runs in EventBridge, over SES's
// events and over records of the table's stream.
func checkPatterns(t *testing.T, records []object) {
	jars, ok := fetched(t, "DELTAG_EVENT_RULER", "EventBridge's matcher")
	templates, alsoOK := transformed(t, "")
	if !ok || !alsoOK {
		return
	}
	cases := slices.Concat(sesCases(t), streamCases(t, records))
	var events []object
	for _, c := range cases {
		events = append(events, c.event)
	}
	for i, got := range match(t, jars, patterns(t, templates[0]), events) {
		if diff := cmp.Diff(cases[i].rules, got); diff != "" {
			t.Errorf("%s: %s\n%v", cases[i].what, diff, cases[i].event)
		}
	}
}

// patterns are those of the template's rules and stream filters, by name.
func patterns(t *testing.T, tpl object) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, resource := range at(t, tpl, "Resources").(object) {
		switch resource := resource.(object); resource["Type"] {
		case "AWS::Events::Rule":
			all[name] = at(t, resource, "Properties", "EventPattern")
			configurationSet := at(t, all[name].(object), "detail", "mail", "tags").(object)
			want(t, configurationSet["ses:configuration-set"], []any{"ConfigurationSet"})
			configurationSet["ses:configuration-set"] = []any{"deltag"} // as it is called in the recorded events
		case "AWS::Lambda::EventSourceMapping":
			for _, filter := range at(t, resource, "Properties", "FilterCriteria", "Filters").([]any) {
				var pattern object
				if err := json.Unmarshal([]byte(at(t, filter.(object), "Pattern").(string)), &pattern); err != nil {
					t.Fatal(err)
				}
				id := name
				if all[id] != nil {
					id += "2"
				}
				all[id] = pattern
			}
		}
	}
	want(t, slices.Sorted(maps.Keys(all)), []string{bounceRule, outcomeRule, mailFilter, taskFilter})
	return all
}

const (
	bounceRule  = "FeedbackFunctionBounce"
	outcomeRule = "FeedbackFunctionOutcome"
	mailFilter  = "MailerFunctionDue"
	taskFilter  = "MailerFunctionDue2"
)

// match are the names of the rules that match each event.
func match(t *testing.T, jars string, rules map[string]any, events []object) (names [][]string) {
	t.Helper()
	input, err := json.Marshal(object{"rules": rules, "events": events})
	if err != nil {
		t.Fatal(err)
	}
	const source = "testdata/Match.java"
	if _, err := os.ReadFile(source); err != nil { // so that go test knows what a cached result depends on
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "java", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(jars, "*"), source)
	run.Stdin = bytes.NewReader(input)
	var stderr strings.Builder
	run.Stderr = &stderr
	out, err := run.Output()
	if err == nil {
		err = json.Unmarshal(out, &names)
	}
	if err != nil || len(names) != len(events) {
		t.Fatalf("%d answers for %d events: %v\n%s", len(names), len(events), err, stderr.String())
	}
	return names
}

// sesCases are the recorded events of SES, and events that are none of ours.
func sesCases(t *testing.T) (cases []patternCase) {
	t.Helper()
	files, err := filepath.Glob("../events/ses-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no events: %v", err)
	}
	for _, file := range files {
		event := func() (e object) {
			readJSON(t, file, &e)
			return e
		}
		rule := outcomeRule
		if event()["detail-type"] == "Email Bounced" {
			rule = bounceRule
		}
		cases = append(cases, patternCase{file, event(), []string{rule}})
		// Events that go to the same bus.
		e := event()
		e["source"] = "aws.other"
		cases = append(cases, patternCase{file + " of another service", e, []string{}})
		for _, kind := range []string{"Email Opened", "Email Clicked", "Email Subscribed"} { // which we don't ask for
			e = event()
			e["detail-type"] = kind
			cases = append(cases, patternCase{file + " as " + kind, e, []string{}})
		}
		e = event()
		at(t, e, "detail", "mail", "tags").(object)["ses:configuration-set"] = []any{"deltag-other"}
		cases = append(cases, patternCase{file + " of another configuration set", e, []string{}})
		e = event()
		delete(at(t, e, "detail", "mail").(object), "tags")
		cases = append(cases, patternCase{file + " of no configuration set", e, []string{}})
	}
	// There is no recording of it: it needs SES's own templates, which we don't use.
	var failed object
	readJSON(t, "../events/ses-reject.json", &failed)
	failed["detail-type"] = "Email Rendering Failed"
	return append(cases, patternCase{"a rendering failure", failed, []string{outcomeRule}})
}

// streamCases are the recorded records of the stream, those of the functions' own writes, and the deletions of all of
// these by hand and by time to live. The mailer gets what it does at once: see internal/mailer.
func streamCases(t *testing.T, records []object) (cases []patternCase) {
	t.Helper()
	for _, file := range []string{"stream-insert-delivery", "stream-mixed-batch"} {
		var batch struct{ Records []object }
		readJSON(t, "../events/"+file+".json", &batch)
		records = append(records, batch.Records...)
	}
	seen := map[string]bool{}
	for _, record := range records {
		images := at(t, record, "dynamodb").(object)
		image, ok := images["NewImage"].(object)
		if !ok {
			cases = append(cases, patternCase{"a removal", record, []string{}})
			continue
		}
		text := func(name string) string {
			value, _ := image[name].(object)
			s, _ := value["S"].(string)
			return s
		}
		rules := []string{}
		task, status := dynamo.ParseTask(text("PK"), text("SK")), text("Status")
		switch due := strings.HasPrefix(text("GSI1PK"), "DUE"); {
		case due && task.Kind == deltag.TaskDelivery && status == string(deltag.DeliveryPending):
			rules = []string{mailFilter}
		case due && (task.Kind == deltag.TaskPromote || task.Kind == deltag.TaskReturnSeat ||
			task.Kind == deltag.TaskPurgeDeliveries):
			rules = []string{taskFilter}
		}
		what := string(task.Kind) + " " + status
		seen[what] = true
		cases = append(cases, patternCase{what, record, rules})
		removed := object{"OldImage": image, "Keys": images["Keys"]}
		cases = append(cases,
			patternCase{what + " removed", object{"eventName": "REMOVE", "dynamodb": removed}, []string{}},
			patternCase{what + " expired", object{"eventName": "REMOVE", "dynamodb": removed, "userIdentity": object{
				"type": "Service", "principalId": "dynamodb.amazonaws.com"}}, []string{}})
	}
	for _, kind := range []string{
		"delivery pending", "delivery sending", "delivery sent", "delivery unknown", "delivery skipped",
		"mailing planned", "mailing running", "promote ", "return-seat ", "purge-deliveries ", "reconcile ",
		"erase-event ",
	} {
		if !seen[kind] {
			t.Errorf("nobody wrote a %q", kind)
		}
	}
	return cases
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
