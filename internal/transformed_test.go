package internal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/emf"
)

// fetched is the path of a tool that .ci/tools fetches, if it is there.
func fetched(t *testing.T, variable, what string) (path string, ok bool) {
	t.Helper()
	path = os.Getenv(variable)
	if path == "" && os.Getenv("CI") == "true" {
		t.Fatal(what + " is not set up")
	}
	if path == "" {
		t.Log("not run: " + what + " (make test fetches it)")
	}
	return path, path != ""
}

// plainTemplates are what CloudFormation makes of template.yaml with each of these sets of parameters, such as
// "Stage=dev Rollout=at-once".
func plainTemplates(t *testing.T, parameters ...string) (templates []object, ok bool) {
	t.Helper()
	python, ok := fetched(t, "DELTAG_PYTHON", "the transformation of template.yaml")
	if !ok {
		return nil, false
	}
	for i := range parameters {
		parameters[i] = "MailFrom=deltag@example.dk " + parameters[i]
	}
	const script = "testdata/transform.py"
	if _, err := os.ReadFile(script); err != nil { // so that go test knows what a cached result depends on
		t.Fatal(err)
	}
	source, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), python, append([]string{script}, parameters...)...)
	run.Stdin = bytes.NewReader(source)
	run.Env = append(os.Environ(), "AWS_DEFAULT_REGION=eu-north-1", "PYTHONDONTWRITEBYTECODE=1")
	var stderr strings.Builder
	run.Stderr = &stderr
	out, err := run.Output()
	if err == nil {
		err = json.Unmarshal(out, &templates)
	}
	if err != nil || len(templates) != len(parameters) {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return templates, true
}

// transformed are plainTemplates in the form that template has: of {"Ref": x} there is x, of {"Fn::GetAtt": [x, y]} x.y,
// and of other functions the arguments.
func transformed(t *testing.T, parameters ...string) (templates []object, ok bool) {
	t.Helper()
	templates, ok = plainTemplates(t, parameters...)
	for i := range templates {
		templates[i] = withoutFunctions(templates[i]).(object)
	}
	return templates, ok
}

func withoutFunctions(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutFunctions(v[i])
		}
	case object:
		for name, inner := range v {
			v[name] = withoutFunctions(inner)
		}
		if len(v) != 1 {
			return v
		}
		for name, argument := range v {
			switch parts, _ := argument.([]any); {
			case name == "Fn::GetAtt" && len(parts) == 2:
				return fmt.Sprintf("%v.%v", parts[0], parts[1])
			case name == "Ref" || strings.HasPrefix(name, "Fn::"):
				return argument
			}
		}
	}
	return v
}

// TestTransformedTemplate looks at what CloudFormation gets: most of what calls the functions is made by SAM.
func TestTransformedTemplate(t *testing.T) {
	templates, ok := transformed(t, "", "Stage=dev", "Rollout=at-once", "Tracing=Active")
	if !ok {
		return
	}
	prod, dev, atOnce := resources(t, templates[0]), resources(t, templates[1]), resources(t, templates[2])

	t.Run("WhatIsNoFunctionStaysAsItIs", func(t *testing.T) { // so that TestTemplate and TestRoles are about the result
		aliases := strings.NewReplacer(versionsOf(prod)...)
		for name, r := range resources(t, template(t)) {
			if r["Type"] == "AWS::Serverless::Function" {
				continue
			}
			var want object
			text, err := json.Marshal(prod[name])
			if err == nil {
				err = json.Unmarshal([]byte(aliases.Replace(string(text))), &want)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, jsonForm(t, r)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})

	t.Run("NothingCallsAFunctionWithoutItsAlias", func(t *testing.T) {
		about := map[string]bool{ // what these say of a function is no call
			"AWS::Lambda::Version": true, "AWS::Lambda::Alias": true, "AWS::CloudWatch::Alarm": true,
			"AWS::Lambda::EventInvokeConfig": true, // has the alias beside it
		}
		calls := map[string]int{}
		for name, r := range prod {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, function := range functions {
				if !about[r["Type"].(string)] && strings.Contains(string(text), `"`+function+`"`) ||
					strings.Contains(string(text), function+".Arn") {
					t.Errorf("%s names %s itself: %s", name, function, text)
				}
				if strings.Contains(string(text), `"`+function+"Aliaslive"+`"`) {
					calls[r["Type"].(string)]++
				}
			}
			if r["Type"] == "AWS::Lambda::EventInvokeConfig" {
				want(t, at(t, r, "Properties", "Qualifier"), "live")
			}
		}
		if diff := cmp.Diff(map[string]int{
			"AWS::ApiGatewayV2::Integration": 2, "AWS::Lambda::Permission": 4, "AWS::Events::Rule": 2,
			"AWS::Lambda::EventSourceMapping": 1, "AWS::Scheduler::Schedule": 1,
			"AWS::IAM::Role":                 1, // the schedule's
			"AWS::Lambda::EventInvokeConfig": 2, // DependsOn
		}, calls); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("NewVersionsTakeOverGraduallyInProd", func(t *testing.T) {
		for function, rollout := range map[string][]any{
			"SiteFunction":      {"Canary10Percent10Minutes", "SiteVersionAlarm", "ApiErrorsAlarm"},
			"OrganiserFunction": {"Canary10Percent10Minutes", "OrganiserVersionAlarm", "ApiErrorsAlarm"},
			"MailerFunction":    {"Linear10PercentEvery1Minute", "MailerVersionAlarm"},
		} {
			update := at(t, prod[function+"Aliaslive"], "UpdatePolicy", "CodeDeployLambdaAliasUpdate").(object)
			group := prod[update["DeploymentGroupName"].(string)]
			got := at(t, group, "Properties", "DeploymentConfigName").([]any)[1].(object)
			alarms := at(t, group, "Properties", "AlarmConfiguration").([]any)
			names := []any{got["ConfigName"]}
			for _, alarm := range at(t, alarms[1].(object), "Alarms").([]any) {
				names = append(names, alarm.(object)["Name"])
			}
			want(t, names, rollout)
			want(t, alarms[0], "HasAlarms")
			want(t, at(t, alarms[1].(object), "Enabled"), true)
			want(t, at(t, group, "Properties", "AutoRollbackConfiguration", "Events"),
				"[DEPLOYMENT_FAILURE DEPLOYMENT_STOP_ON_ALARM DEPLOYMENT_STOP_ON_REQUEST]")

			// An alarm on all versions would ring for the old one, and keep its replacement out.
			version := at(t, prod[function+"Aliaslive"], "Properties", "FunctionVersion")
			var dimensions []any
			for _, d := range at(t, prod[rollout[1].(string)], "Properties", "Dimensions").([]any) {
				dimensions = append(dimensions, d.(object)["Value"])
			}
			want(t, dimensions, []any{function, "${" + function + "}:live", version})
		}
		for name, r := range prod {
			if r["Type"] == "AWS::Lambda::Alias" && name != "FeedbackFunctionAliaslive" && r["UpdatePolicy"] == nil {
				t.Errorf("%s is replaced at once", name)
			}
		}
		for stage, all := range map[string]map[string]object{"dev": dev, "at once": atOnce} {
			for name, r := range all {
				if strings.HasPrefix(r["Type"].(string), "AWS::CodeDeploy::") || r["UpdatePolicy"] != nil {
					t.Errorf("%s has %s", stage, name)
				}
			}
		}
	})

	t.Run("DevHasNoAlarms", func(t *testing.T) {
		conditions := at(t, templates[1], "Conditions").(object)
		want(t, conditions["HasAlarms"], []any{"Stage", "prod"})
		for name, r := range dev {
			if r["Type"] == "AWS::CloudWatch::Alarm" && r["Condition"] != "HasAlarms" {
				t.Errorf("%s: %v", name, r["Condition"])
			}
		}
	})

	t.Run("AlarmsWatchMetricsThatExist", func(t *testing.T) {
		for name, r := range prod {
			if r["Type"] != "AWS::CloudWatch::Alarm" {
				continue
			}
			p := at(t, r, "Properties").(object)
			watched := []object{p}
			if list, ok := p["Metrics"].([]any); ok { // an expression, and what it is of
				watched = nil
				for _, m := range list[1:] {
					watched = append(watched, at(t, m.(object), "MetricStat", "Metric").(object))
				}
			}
			for _, m := range watched {
				var dimensions []string
				list, _ := m["Dimensions"].([]any)
				for _, d := range list {
					dimensions = append(dimensions, d.(object)["Name"].(string))
				}
				checkMetric(t, prod, name, m["Namespace"].(string), m["MetricName"].(string), dimensions)
			}
		}
	})

	t.Run("TheDashboardShowsMetricsThatExist", func(t *testing.T) {
		text := at(t, prod["Dashboard"], "Properties", "DashboardBody").(string)
		var body struct {
			Widgets []struct {
				Type       string
				Properties struct {
					Title, Query string
					Alarms       []string
					Metrics      [][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatal(err)
		}
		metrics, alarms := 0, []string{}
		for _, w := range body.Widgets {
			p := w.Properties
			for _, alarm := range p.Alarms {
				alarms = append(alarms, strings.TrimSuffix(strings.TrimPrefix(alarm, "${"), ".Arn}"))
			}
			for _, m := range p.Metrics {
				if _, ok := m[len(m)-1].(object); ok { // how it is drawn
					m = m[:len(m)-1]
				}
				var dimensions []string
				for i := 2; i < len(m); i += 2 {
					dimensions = append(dimensions, m[i].(string))
				}
				checkMetric(t, prod, p.Title, strings.ReplaceAll(m[0].(string), "${AWS::StackName}", "x"), m[1].(string), dimensions)
				metrics++
			}
		}
		var all []string
		for name, r := range prod {
			if r["Type"] == "AWS::CloudWatch::Alarm" {
				all = append(all, name)
			}
		}
		slices.Sort(all)
		slices.Sort(alarms)
		if diff := cmp.Diff(all, alarms); diff != "" {
			t.Error(diff)
		}
		if metrics < 20 || metrics > 50 { // more would cost
			t.Errorf("%d metrics", metrics)
		}
	})

	t.Run("EachQueueAndLogIsWrittenKeptAndWatched", func(t *testing.T) {
		everything, err := json.Marshal(prod)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range prod {
			switch p, _ := r["Properties"].(object); r["Type"] {
			case "AWS::SQS::Queue":
				if days := p["MessageRetentionPeriod"].(float64) / 86400; days < 4 || days > 14 {
					t.Errorf("%s keeps its messages for %v days", name, days)
				}
				want(t, strings.Contains(string(everything), `"DeadLetterConfig":{"Arn":"`+name+`.Arn"}`), true)
				want(t, len(alarmsOn(prod, name+".QueueName")), 1)
				if at(t, templates[0], "Outputs", name+"Url", "Value") != name {
					t.Errorf("no output tells the address of %s, by which an operator reads it", name)
				}
			case "AWS::Logs::LogGroup":
				want(t, p["RetentionInDays"], 30)
				if n := strings.Count(string(everything), `"`+name+`"`) + strings.Count(string(everything), `"`+name+".Arn"); n < 2 {
					t.Errorf("nothing writes to %s", name)
				}
			case "AWS::Lambda::Function":
				log := at(t, r, "Properties", "LoggingConfig", "LogGroup").(string)
				want(t, prod[log]["Type"], "AWS::Logs::LogGroup")
			case "AWS::Events::Rule":
				target := at(t, r, "Properties", "Targets").([]any)[0].(object)
				want(t, at(t, target, "DeadLetterConfig", "Arn"), "UndeliveredFeedback.Arn")
				want(t, at(t, prod[name+"Permission"], "Properties", "SourceArn"), name+".Arn")
				statement := at(t, prod["UndeliveredFeedbackPolicy"], "Properties", "PolicyDocument", "Statement").([]any)[0].(object)
				if !slices.Contains(at(t, statement, "Condition", "ArnEquals", "aws:SourceArn").([]any), any(name+".Arn")) {
					t.Errorf("%s may not send to the queue", name)
				}
			case "AWS::Scheduler::Schedule":
				want(t, at(t, r, "Properties", "Target", "DeadLetterConfig", "Arn"), "DeadLetters.Arn")
			case "AWS::Lambda::EventSourceMapping":
				want(t, at(t, r, "Properties", "DestinationConfig", "OnFailure", "Destination"), "DeadLetters.Arn")
			}
		}
	})

	t.Run("EachRoleAllowsWhatItsFunctionIsWiredTo", func(t *testing.T) { checkGrants(t, prod) })

	t.Run("VisitorsFunctionWritesNeitherTokensNorSuppressions", func(t *testing.T) {
		g := guard{statements: statements(t, templates[0], "SiteRole")}
		for _, key := range []string{
			"TOKEN#1", "TOKENS", "SESSION#1", "MEMBERS", "SUPPRESSED#1", "AUDIT#2026", "SLUG#x", "PING", "HASHKEY",
		} {
			for _, action := range []string{"PutItem", "UpdateItem", "DeleteItem"} {
				if g.allows(access{action: action, keys: []string{key}}) {
					t.Errorf("site may %s %s", action, key)
				}
			}
		}
	})

	t.Run("NoNameIsTakenByAnotherStack", func(t *testing.T) {
		names := map[string]string{
			"AWS::Logs::LogGroup": "LogGroupName", "AWS::DynamoDB::Table": "TableName", "AWS::SQS::Queue": "QueueName",
			"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::Events::Rule": "Name",
			"AWS::Lambda::Function": "FunctionName", "AWS::CloudWatch::Alarm": "AlarmName", "AWS::SNS::Topic": "TopicName",
			"AWS::SES::ConfigurationSet": "Name", "AWS::Scheduler::Schedule": "Name",
			"AWS::CodeDeploy::Application": "ApplicationName", "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
		}
		for name, r := range prod {
			p, _ := r["Properties"].(object)
			given, _ := p[names[r["Type"].(string)]].(string)
			if given != "" && !strings.Contains(given, "${AWS::StackName}") {
				t.Errorf("%s is called %s in each stack", name, given)
			}
		}
		for name, output := range at(t, templates[0], "Outputs").(object) {
			if output.(object)["Export"] != nil {
				t.Errorf("%s is exported", name)
			}
		}
	})

	t.Run("AFirstDeploymentThatFailsLeavesNothing", func(t *testing.T) {
		for name, r := range prod {
			policy := r["DeletionPolicy"]
			switch r["Type"] {
			case "AWS::DynamoDB::Table":
				want(t, []any{policy, r["UpdateReplacePolicy"]}, []any{"RetainExceptOnCreate", "Retain"})
				want(t, at(t, r, "Properties", "DeletionProtectionEnabled"), "ProtectTable") // it would stop the deletion
			case "AWS::Lambda::Version": // goes with its function
			default:
				if policy != nil {
					t.Errorf("%s stays: %v", name, policy)
				}
			}
		}
		want(t, at(t, templates[0], "Parameters", "ProtectTable", "Default"), "false")
	})

	t.Run("TracesNeedASwitch", func(t *testing.T) {
		active := resources(t, templates[3])
		want(t, at(t, active["TracingPolicy"], "Condition"), "HasTraces")
		want(t, at(t, templates[3], "Conditions", "HasTraces"), []any{"Tracing", "Active"})
		want(t, at(t, templates[3], "Parameters", "Tracing", "Default"), "PassThrough")
		for _, function := range functions {
			want(t, at(t, active[function], "Properties", "TracingConfig", "Mode"), "Tracing")
			role := strings.TrimSuffix(at(t, active[function], "Properties", "Role").(string), ".Arn")
			want(t, at(t, active[role], "Properties", "ManagedPolicyArns"), "[HasTraces [TracingPolicy] AWS::NoValue]")
		}
	})
}

var functions = []string{"SiteFunction", "OrganiserFunction", "MailerFunction", "FeedbackFunction"}

func resources(t *testing.T, tpl object) map[string]object {
	t.Helper()
	all := map[string]object{}
	for name, r := range at(t, tpl, "Resources").(object) {
		all[name] = r.(object)
	}
	return all
}

// versionsOf replaces the names of SAM's versions and aliases by those that template.yaml calls them by.
func versionsOf(all map[string]object) (oldnew []string) {
	for name, r := range all {
		if p, _ := r["Properties"].(object); r["Type"] == "AWS::Lambda::Version" {
			oldnew = append(oldnew, name+".Version", p["FunctionName"].(string)+".Version.Version")
		} else if r["Type"] == "AWS::Lambda::Alias" {
			oldnew = append(oldnew, name, p["FunctionName"].(string)+".Alias")
		}
	}
	return oldnew
}

// jsonForm is a value as JSON has it.
func jsonForm(t *testing.T, v any) (form object) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &form)
	}
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// alarmsOn are the alarms with a dimension's value.
func alarmsOn(all map[string]object, value string) (names []string) {
	for name, r := range all {
		p, _ := r["Properties"].(object)
		dimensions, _ := p["Dimensions"].([]any)
		for _, d := range dimensions {
			if r["Type"] == "AWS::CloudWatch::Alarm" && d.(object)["Value"] == value {
				names = append(names, name)
			}
		}
	}
	return names
}

// checkGrants compares what the functions' roles allow, beside the items of the table, with what the functions are
// connected to. TestRoles does so for the items.
func checkGrants(t *testing.T, all map[string]object) {
	t.Helper()
	wanted := map[string][]string{}
	grant := func(function, action, resource string) {
		wanted[function] = append(wanted[function], action+" "+resource)
	}
	for name, r := range all {
		p, _ := r["Properties"].(object)
		function, _ := p["FunctionName"].(string)
		switch r["Type"] {
		case "AWS::Lambda::Function":
			log := at(t, p, "LoggingConfig", "LogGroup").(string)
			grant(name, "logs:CreateLogStream", log+".Arn")
			grant(name, "logs:PutLogEvents", log+".Arn")
			if at(t, p, "Environment", "Variables").(object)["CONFIGURATION_SET"] != nil { // it sends mail
				for _, action := range []string{"ses:SendEmail", "ses:SendRawEmail"} {
					for _, resource := range []string{"identity/*", "configuration-set/${ConfigurationSet}"} {
						grant(name, action, "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"+resource)
					}
				}
			}
		case "AWS::Lambda::EventInvokeConfig":
			if failed, ok := at(t, p, "DestinationConfig").(object)["OnFailure"]; ok {
				grant(function, "sqs:SendMessage", at(t, failed.(object), "Destination").(string))
			}
		case "AWS::Lambda::EventSourceMapping":
			function = strings.TrimSuffix(function, "Aliaslive")
			grant(function, "sqs:SendMessage", at(t, p, "DestinationConfig", "OnFailure", "Destination").(string))
			for _, action := range []string{"DescribeStream", "GetRecords", "GetShardIterator"} {
				grant(function, "dynamodb:"+action, p["EventSourceArn"].(string))
			}
			grant(function, "dynamodb:ListStreams", "${Table.Arn}/stream/*")
		}
	}
	for _, function := range functions {
		role := strings.TrimSuffix(at(t, all[function], "Properties", "Role").(string), ".Arn")
		policies := at(t, all[role], "Properties", "Policies").([]any)
		want(t, len(policies), 1)
		var got []string
		for _, s := range at(t, policies[0].(object), "PolicyDocument", "Statement").([]any) {
			for _, action := range texts(at(t, s.(object), "Action")) {
				for _, resource := range texts(at(t, s.(object), "Resource")) {
					if resource != "Table.Arn" && resource != "${Table.Arn}/index/GSI1" {
						got = append(got, action+" "+resource)
					}
				}
			}
		}
		slices.Sort(got)
		slices.Sort(wanted[function])
		if diff := cmp.Diff(wanted[function], got); diff != "" {
			t.Errorf("%s: %s", function, diff)
		}
	}
}

// TestPublishing: a version is published if the folder of the code has changed, which SAM compares; so it must change with
// the parameters, and with nothing else.
func TestPublishing(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Log("not run: there is no make")
		return
	}
	folder := func(parameters string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "samconfig.toml")
		if err := os.WriteFile(file, []byte(parameters), 0o600); err != nil {
			t.Fatal(err)
		}
		artifacts := t.TempDir()
		// TestHealth builds with this rule; here the code does not matter.
		run := exec.Command("make", "-C", "..", "build-SiteFunction", "BUILD=true", "ARTIFACTS_DIR="+artifacts, "PARAMETERS="+file)
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		sum, err := os.ReadFile(filepath.Join(artifacts, "configuration"))
		if err != nil {
			t.Fatal(err)
		}
		return string(sum)
	}
	one := folder("MailRate=1")
	want(t, folder("MailRate=1"), one)
	if other := folder("MailRate=14"); other == one {
		t.Errorf("MailRate would stay as it is: %s", other)
	}
}

// TestCheckov: what checkov finds in the transformed template is what template.yaml makes exceptions for, with a reason
// each: neither more nor less.
func TestCheckov(t *testing.T) {
	checkov, ok := fetched(t, "DELTAG_CHECKOV", "checkov")
	templates, alsoOK := plainTemplates(t, "")
	if !ok || !alsoOK {
		return
	}
	var exceptions []string
	for name, resource := range at(t, templates[0], "Resources").(object) {
		r := resource.(object)
		metadata, _ := r["Metadata"].(object)
		skips, _ := metadata["checkov"].(object)
		delete(metadata, "checkov")
		list, _ := skips["skip"].([]any)
		if r["Type"] == "AWS::Lambda::EventInvokeConfig" { // SAM copies the function's metadata
			continue
		}
		for _, skip := range list {
			exceptions = append(exceptions, fmt.Sprintf("%s %s", skip.(object)["id"], name))
			if reason, _ := skip.(object)["comment"].(string); len(reason) < 10 {
				t.Errorf("%s has no reason", exceptions[len(exceptions)-1])
			}
		}
	}
	text, err := json.Marshal(templates[0])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "template.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), checkov, "--file", file, "--framework", "cloudformation", "--skip-download",
		"--soft-fail", "--quiet", "--output", "json")
	run.Env = append(os.Environ(), "CHECKOV_RUN_SECRETS=false", "PYTHONDONTWRITEBYTECODE=1")
	var stderr strings.Builder
	run.Stderr = &stderr
	out, err := run.Output()
	var report struct {
		Results struct {
			Failed []struct {
				Check    string `json:"check_id"`
				Resource string
			} `json:"failed_checks"`
		}
		Summary struct {
			Passed  int
			Version string `json:"checkov_version"`
			Errors  int    `json:"parsing_errors"`
		}
	}
	if err == nil {
		err = json.Unmarshal(out, &report)
	}
	if err != nil || report.Summary.Passed < 20 || report.Summary.Errors > 0 {
		t.Fatalf("%v\n%s\n%s", err, out, stderr.String())
	}
	var findings []string
	for _, f := range report.Results.Failed {
		findings = append(findings, f.Check+" "+f.Resource[strings.LastIndex(f.Resource, ".")+1:])
	}
	slices.Sort(exceptions)
	slices.Sort(findings)
	if diff := cmp.Diff(exceptions, findings); diff != "" {
		t.Error(diff)
	}
}

// checkMetric says whether a function, the access log or AWS makes a metric.
func checkMetric(t *testing.T, prod map[string]object, what, namespace, metric string, dimensions []string) {
	t.Helper()
	slices.Sort(dimensions)
	switch {
	case namespace == emf.Namespace:
		want(t, dimensions, []string{emf.Dimension})
		if !slices.Contains(ownMetrics, metric) {
			t.Errorf("%s: no function makes %s", what, metric)
		}
	case strings.HasPrefix(namespace, emf.Namespace+"/"):
		made := at(t, prod["TurnedAwayFilter"], "Properties", "MetricTransformations").([]any)[0].(object)
		want(t, []any{made["MetricName"], len(dimensions)}, []any{metric, 0})
	case !slices.Contains(awsMetrics[namespace+" "+metric], strings.Join(dimensions, " ")):
		t.Errorf("%s: AWS has no %s %s by %v", what, namespace, metric, dimensions)
	}
}
