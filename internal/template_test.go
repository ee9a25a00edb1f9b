package internal_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/lambdaevent"
)

// object is a mapping of template.yaml. CloudFormation's short forms come out as what they are applied to.
type object = map[string]any

func template(t *testing.T) object {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := yaml.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// at follows a path of keys.
func at(t *testing.T, o object, path ...string) any {
	t.Helper()
	var v any = o
	for _, name := range path {
		m, ok := v.(object)
		if !ok || m[name] == nil {
			t.Fatalf("template.yaml has no %s", strings.Join(path, "."))
		}
		v = m[name]
	}
	return v
}

// TestTemplate holds template.yaml against the code that runs in it.
func TestTemplate(t *testing.T) {
	tpl := template(t)

	t.Run("TableIsTheStores", func(t *testing.T) {
		schema := dynamo.Schema("t")
		var keys, index, attributes []string
		for _, k := range schema.KeySchema {
			keys = append(keys, *k.AttributeName+" "+string(k.KeyType))
		}
		for _, k := range schema.GlobalSecondaryIndexes[0].KeySchema {
			index = append(index, *k.AttributeName+" "+string(k.KeyType))
		}
		for _, a := range schema.AttributeDefinitions {
			attributes = append(attributes, *a.AttributeName+" "+string(a.AttributeType))
		}
		properties := at(t, tpl, "Resources", "Table", "Properties").(object)
		gsi := properties["GlobalSecondaryIndexes"].([]any)[0].(object)
		got := []any{
			pairs(properties["KeySchema"], "KeyType"), pairs(gsi["KeySchema"], "KeyType"), pairs(properties["AttributeDefinitions"], "AttributeType"),
			gsi["IndexName"], at(t, gsi, "Projection", "ProjectionType"),
		}
		want := []any{
			keys, index, attributes,
			*schema.GlobalSecondaryIndexes[0].IndexName, string(schema.GlobalSecondaryIndexes[0].Projection.ProjectionType),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("EnvironmentIsWhatEachFunctionReads", func(t *testing.T) {
		for name, c := range map[string]any{
			"SiteFunction": config.Site{}, "OrganiserFunction": config.Organiser{}, "MailerFunction": config.Mailer{}, "FeedbackFunction": config.Base{},
		} {
			got := slices.Sorted(maps.Keys(at(t, tpl, "Resources", name, "Properties", "Environment", "Variables").(object)))
			want := variables(reflect.TypeOf(c))
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})

	t.Run("FeedbackReadsTheSameFromAnEventCutDown", func(t *testing.T) {
		for rule, event := range map[string]string{"Bounce": bounced, "Outcome": delivered} {
			properties := at(t, tpl, "Resources", "FeedbackFunction", "Properties", "Events", rule, "Properties").(object)
			cut := transform(t, at(t, properties, "InputTransformer").(object), event)
			if strings.Contains(cut, "@") {
				t.Errorf("%s: an address is left: %s", rule, cut)
			}
			if diff := cmp.Diff(heard(t, event), heard(t, cut)); diff != "" {
				t.Errorf("%s: %s", rule, diff)
			}
		}
	})
}

// pairs reads a list of attributes with their type.
func pairs(list any, kind string) []string {
	var names []string
	for _, e := range list.([]any) {
		names = append(names, e.(object)["AttributeName"].(string)+" "+e.(object)[kind].(string))
	}
	return names
}

// variables are those that a configuration reads in AWS: not Lambda's own, and not the end points of other engines.
func variables(c reflect.Type) []string {
	var names []string
	for i := range c.NumField() {
		field := c.Field(i)
		name := field.Tag.Get("env")
		switch {
		case field.Anonymous:
			names = append(names, variables(field.Type)...)
		case name != "" && !strings.HasPrefix(name, "AWS_") && !strings.HasSuffix(name, "_ENDPOINT"):
			names = append(names, name)
		}
	}
	return names
}

// transform does to an event what EventBridge's input transformer does: each path must be there.
func transform(t *testing.T, transformer object, event string) string {
	t.Helper()
	var e object
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	out := transformer["InputTemplate"].(string)
	for name, path := range transformer["InputPathsMap"].(object) {
		value, err := json.Marshal(at(t, e, strings.Split(strings.TrimPrefix(path.(string), "$."), ".")...))
		if err != nil {
			t.Fatal(err)
		}
		out = strings.ReplaceAll(out, "<"+name+">", string(value))
	}
	return out
}

func heard(t *testing.T, event string) (r deltag.SESEvent) {
	t.Helper()
	hear := func(_ context.Context, report deltag.SESEvent) error {
		r = report
		return nil
	}
	if err := lambdaevent.SESEventHandler(hear)(t.Context(), json.RawMessage(event)); err != nil {
		t.Fatal(err)
	}
	if r.MessageID == "" || r.At.IsZero() || r.Delivery.EventID == "" {
		t.Fatalf("nothing heard of %s", event)
	}
	return r
}

const tag = "aaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb.confirmation.1"

const bounced = `{"version":"0","id":"e1","detail-type":"Email Bounced","source":"aws.ses","account":"123456789012","time":"2026-11-30T10:00:00Z","region":"eu-north-1",
"resources":["arn:aws:ses:eu-north-1:123456789012:configuration-set/deltag"],"detail":{"eventType":"Bounce",
"bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"anna@example.dk","diagnosticCode":"smtp; 550 anna@example.dk unknown"}],"timestamp":"2026-11-30T10:00:00Z","feedbackId":"f1"},
"mail":{"timestamp":"2026-11-30T09:59:59Z","messageId":"m1","source":"deltag@example.dk","destination":["anna@example.dk"],"commonHeaders":{"to":["anna@example.dk"]},
"tags":{"ses:configuration-set":["deltag"],"delivery":["` + tag + `"]}}}}`

const delivered = `{"version":"0","id":"e2","detail-type":"Email Delivered","source":"aws.ses","account":"123456789012","time":"2026-11-30T10:00:00Z","region":"eu-north-1",
"resources":["arn:aws:ses:eu-north-1:123456789012:configuration-set/deltag"],"detail":{"eventType":"Delivery",
"delivery":{"timestamp":"2026-11-30T10:00:00Z","recipients":["anna@example.dk"],"smtpResponse":"250 ok"},
"mail":{"timestamp":"2026-11-30T09:59:59Z","messageId":"m2","source":"deltag@example.dk","destination":["anna@example.dk"],"commonHeaders":{"to":["anna@example.dk"]},
"tags":{"ses:configuration-set":["deltag"],"delivery":["` + tag + `"]}}}}`
