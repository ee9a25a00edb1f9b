package internal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/lambdaevent"
	"deltag/internal/local"
)

// object is a mapping of template.yaml. Of CloudFormation's short forms (!Ref x) only the argument is read.
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

// at is the value at a path of keys.
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

// TestTemplate compares template.yaml with the code.
func TestTemplate(t *testing.T) {
	tpl := template(t)

	t.Run("TheTableIsTheStoresSchema", func(t *testing.T) {
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
			pairs(properties["KeySchema"], "KeyType"), pairs(gsi["KeySchema"], "KeyType"),
			pairs(properties["AttributeDefinitions"], "AttributeType"),
			gsi["IndexName"], at(t, gsi, "Projection", "ProjectionType"),
		}
		want := []any{
			keys, index, attributes,
			*schema.GlobalSecondaryIndexes[0].IndexName,
			string(schema.GlobalSecondaryIndexes[0].Projection.ProjectionType),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("EachFunctionGetsTheEnvironmentThatItReads", func(t *testing.T) {
		for name, c := range map[string]any{
			"SiteFunction": config.Site{}, "OrganiserFunction": config.Organiser{}, "MailerFunction": config.Mailer{},
			"FeedbackFunction": config.Base{},
		} {
			environment := at(t, tpl, "Resources", name, "Properties", "Environment", "Variables").(object)
			got := slices.Sorted(maps.Keys(environment))
			want := variables(reflect.TypeOf(c))
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})

	t.Run("TheFunctionsOfMakeRunHaveTheSameTimeouts", func(t *testing.T) {
		for name, timeout := range map[string]time.Duration{"SiteFunction": local.SiteTimeout, "OrganiserFunction": local.OrganiserTimeout} {
			want(t, at(t, tpl, "Resources", name, "Properties", "Timeout"), any(int(timeout.Seconds())))
		}
	})

	t.Run("TheSenderAloneHasNoDefault", func(t *testing.T) {
		var asked []string
		for name, parameter := range at(t, tpl, "Parameters").(object) {
			p := parameter.(object)
			fallback, ok := p["Default"]
			if !ok {
				asked = append(asked, name)
				continue
			}
			pattern, _ := p["AllowedPattern"].(string)
			if fits, err := regexp.MatchString("^(?:"+pattern+")$", fmt.Sprint(fallback)); pattern != "" && !fits {
				t.Errorf("%s: the default %q is not allowed: %v", name, fallback, err)
			}
		}
		if diff := cmp.Diff([]string{"MailFrom"}, asked); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("EachAlarmHasItsEntryInTheRunbook", func(t *testing.T) {
		runbook, err := os.ReadFile("../docs/operations.md")
		if err != nil {
			t.Fatal(err)
		}
		var alarms, entries []string
		for name, resource := range at(t, tpl, "Resources").(object) {
			if resource.(object)["Type"] == "AWS::CloudWatch::Alarm" {
				alarms = append(alarms, name)
			}
		}
		for _, heading := range regexp.MustCompile(`(?m)^\*\*.* –`).FindAll(runbook, -1) {
			for _, entry := range regexp.MustCompile(`\*\*(\w+Alarm)\*\*`).FindAllSubmatch(heading, -1) {
				entries = append(entries, string(entry[1]))
			}
		}
		slices.Sort(alarms)
		slices.Sort(entries)
		if diff := cmp.Diff(alarms, entries); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("TheProvidersSecretIsTheOneParameterAndNamedByTheTemplateAlone", func(t *testing.T) {
		policy := at(t, tpl, "Resources", "OrganiserSecretPolicy").(object)
		if policy["Condition"] != "HasProvider" {
			t.Errorf("it is there without a provider: %v", policy["Condition"])
		}
		secret := "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${OidcSecretParameter}"
		statements := at(t, policy, "Properties", "PolicyDocument", "Statement").([]any)
		read, decrypt := statements[0].(object), statements[1].(object)
		got := []any{
			len(statements), read["Action"], read["Resource"], decrypt["Action"],
			at(t, decrypt, "Condition", "StringEquals", "kms:EncryptionContext:PARAMETER_ARN"),
			at(t, decrypt, "Condition", "StringEquals", "kms:ViaService"),
		}
		want := []any{2, "ssm:GetParameter", secret, "kms:Decrypt", secret, "ssm.${AWS::Region}.amazonaws.com"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("TheTablesKeyIsAWSsAndCostsNothing", func(t *testing.T) {
		if key := at(t, tpl, "Resources", "Table", "Properties").(object)["SSESpecification"]; key != nil {
			t.Errorf("each use of another key is paid for: %v", key)
		}
	})

	t.Run("MailGoesOutAsTheSenderAlone", func(t *testing.T) {
		senders := 0
		for _, name := range []string{"SiteRole", "OrganiserRole", "MailerRole", "FeedbackRole"} {
			policies := at(t, tpl, "Resources", name, "Properties", "Policies").([]any)
			for _, s := range at(t, policies[0].(object), "PolicyDocument", "Statement").([]any) {
				if strings.HasPrefix(texts(at(t, s.(object), "Action"))[0], "ses:") {
					want(t, name, "MailerRole")
					want(t, at(t, s.(object), "Condition", "StringEquals", "ses:FromAddress"), "MailFrom")
					senders++
				}
			}
		}
		want(t, senders, 1)
	})

	t.Run("TheOrganisersRoutesHaveLimitsOfTheirOwn", func(t *testing.T) {
		var keys, names []string
		for name, resource := range at(t, tpl, "Resources").(object) {
			r := resource.(object)
			if r["Type"] != "AWS::ApiGatewayV2::Route" {
				continue
			}
			if at(t, r, "Properties", "Target") == "integrations/${OrganiserIntegration}" {
				names = append(names, name)
				keys = append(keys, at(t, r, "Properties", "RouteKey").(string))
			}
		}
		stage := at(t, tpl, "Resources", "ApiStage").(object)
		settings := at(t, stage, "Properties", "RouteSettings").(object)
		slices.Sort(keys)
		if diff := cmp.Diff(keys, slices.Sorted(maps.Keys(settings))); diff != "" {
			t.Error(diff)
		}
		var before []string // API Gateway refuses a setting of a route that it does not know
		for _, name := range stage["DependsOn"].([]any) {
			before = append(before, name.(string))
		}
		slices.Sort(names)
		slices.Sort(before)
		if diff := cmp.Diff(names, before); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("TheVisitorsLimitTakesARush", func(t *testing.T) {
		rate := at(t, tpl, "Parameters", "RequestRate", "Default").(int)
		burst := at(t, tpl, "Parameters", "RequestBurst", "Default").(int)
		const visitors, requests, seconds = 2000, 3, 10 // each opens the form, sends it, and sees the thank-you page
		if burst < visitors || rate < visitors*requests/seconds {
			t.Errorf("%d requests a second and %d at once", rate, burst)
		}
	})

	t.Run("WhoIsTurnedAwayIsCounted", func(t *testing.T) {
		format := at(t, tpl, "Resources", "ApiStage", "Properties", "AccessLogSettings", "Format").(string)
		var line map[string]string
		if err := json.Unmarshal([]byte(strings.ReplaceAll(format, "$context.status", "429")), &line); err != nil {
			t.Fatal(err)
		}
		want(t, at(t, tpl, "Resources", "TurnedAwayFilter", "Properties", "FilterPattern"), "{ $.status = \"429\" }")
		want(t, line["status"], "429")
	})

	t.Run("TheRulesKeepWhatFeedbackReads", func(t *testing.T) {
		rules := at(t, tpl, "Resources", "FeedbackFunction", "Properties", "Events").(object)
		for rule, name := range map[string]string{"Bounce": "bounce-permanent", "Outcome": "delivery"} {
			event, err := os.ReadFile("../events/ses-" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			reduced := transform(t, at(t, rules, rule, "Properties", "InputTransformer").(object), event)
			if bytes.Contains(reduced, []byte("@")) {
				t.Errorf("%s: an address is left: %s", rule, reduced)
			}
			if diff := cmp.Diff(handledEvent(t, event), handledEvent(t, reduced)); diff != "" {
				t.Errorf("%s: %s", rule, diff)
			}
		}
	})
}

// pairs are attributes with their types.
func pairs(list any, kind string) []string {
	var names []string
	for _, e := range list.([]any) {
		names = append(names, e.(object)["AttributeName"].(string)+" "+e.(object)[kind].(string))
	}
	return names
}

// variables are those that a configuration reads in AWS, without Lambda's own and the endpoints.
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

// transform applies an EventBridge input transformer to an event. Each path must exist.
func transform(t *testing.T, transformer object, event []byte) []byte {
	t.Helper()
	var e object
	if err := json.Unmarshal(event, &e); err != nil {
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
	return []byte(out)
}

func handledEvent(t *testing.T, event []byte) (handled deltag.SESEvent) {
	t.Helper()
	handle := func(_ context.Context, e deltag.SESEvent) error {
		handled = e
		return nil
	}
	if err := lambdaevent.SESEventHandler(handle)(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if handled.MessageID == "" || handled.At.IsZero() || handled.Delivery.EventID == "" {
		t.Fatalf("not handled: %s", event)
	}
	return handled
}
