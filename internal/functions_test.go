package internal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"deltag/internal/apigateway"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/emf"
	"deltag/internal/local"
	"deltag/internal/mailer"
	"deltag/internal/testing/lambdaruntime"
	"deltag/internal/testing/storetest"
	"deltag/internal/web/visitor"
)

// A deployment is the four built functions, each with a Runtime API of its own, on one table and one SES.
type deployment struct {
	t     testing.TB
	store *dynamo.Store
	mails *local.SESServer // nil if another SES sends
	env   []string
}

// sesAccount is what a deployment's configuration relies on.
var sesAccount = local.SESAccount{Identities: []string{"example.dk"}, ConfigurationSets: []string{"deltag"}}

func newDeployment(t testing.TB, engine storetest.Engine) *deployment {
	t.Helper()
	mails, err := local.OpenSESServer(t.TempDir(), sesAccount, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ses := httptest.NewServer(mails)
	t.Cleanup(ses.Close)
	d := newDeploymentWith(t, engine, ses.URL)
	d.mails = mails
	return d
}

// newDeploymentWith has its mail sent by another SES.
func newDeploymentWith(t testing.TB, engine storetest.Engine, ses string) *deployment {
	return &deployment{t: t, store: engine.Store(), env: []string{
		"TABLE=" + engine.Table, "DYNAMODB_ENDPOINT=" + engine.Endpoint(), "SES_ENDPOINT=" + ses,
		"AWS_REGION=eu-north-1",
		"BASE_URL=https://deltag.example.dk", "MAIL_FROM=deltag@example.dk", "MAIL_RATE=100",
		"CONFIGURATION_SET=deltag", "ORGANISERS=owner@example.dk",
	}}
}

// start builds and starts a function.
func (d *deployment) start(name string) *lambdaruntime.Function {
	d.t.Helper()
	binary, err := lambdaruntime.Build(d.t.TempDir(), "deltag/functions/"+name)
	if err != nil {
		d.t.Fatal(err)
	}
	f, err := lambdaruntime.Start(context.Background(), binary, d.env)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(f.Stop)
	return f
}

// call invokes a function and decodes its response.
func call[Response any](t testing.TB, f *lambdaruntime.Function, event any) Response {
	t.Helper()
	return callWithin[Response](t, lambdaruntime.Timeout, f, event)
}

// callWithin is call with a time-out of the function.
func callWithin[Response any](
	t testing.TB, timeout time.Duration, f *lambdaruntime.Function, event any,
) (response Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Invoke(ctx, payload)
	if err == nil {
		err = json.Unmarshal(out, &response)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Output())
	}
	return response
}

// httpCall invokes a function with an HTTP request.
func httpCall(t testing.TB, f *lambdaruntime.Function, request apigateway.Event) apigateway.Response {
	t.Helper()
	return call[apigateway.Response](t, f, request)
}

func request(method, path string, body []byte, header ...string) apigateway.Event {
	r := httptest.NewRequest(method, "https://deltag.example.dk"+path, bytes.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return apigateway.NewEvent(r, body, time.Now(), "request-1")
}

// newToken is an owner's access token for the API.
func (d *deployment) newToken() string {
	d.t.Helper()
	token, hash, err := deltag.NewAccessToken(rand.Reader)
	d.must(err)
	access := deltag.AccessToken{Name: "test", Role: deltag.RoleOwner, ExpiresAt: time.Now().Add(time.Hour)}
	d.must(d.store.PutToken(context.Background(), hash, access))
	return token
}

func (d *deployment) newEvent() deltag.Event {
	d.t.Helper()
	id, _ := deltag.NewID(rand.Reader)
	secret, _ := deltag.NewSecret(rand.Reader)
	start := time.Now().AddDate(0, 0, 8).Truncate(time.Hour).UTC()
	e, plan := deltag.Event{
		ID: id, Slug: "samskabelse", Title: "Samskabelse", Language: deltag.LanguageDanish, StartsAt: start,
		EndsAt:   start.Add(time.Hour),
		TimeZone: "Europe/Copenhagen", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret, ScheduledMails: deltag.DefaultScheduledMails(),
	}.WithInitialState(time.Now())
	if err := d.store.CreateEvent(context.Background(), e, plan); err != nil {
		d.t.Fatal(err)
	}
	return e
}

// TestFunctions takes one registration through the built functions: sign-up, stream record, mail, SES event, list.
func TestFunctions(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		d := newDeployment(t, engine)
		e := d.newEvent()
		site, organiser := d.start("site"), d.start("organiser")
		mailer, feedback := d.start("mailer"), d.start("feedback")

		page := httpCall(t, site, request("GET", "/e/samskabelse", nil))
		if page.StatusCode != 200 || !strings.Contains(page.Body, `name="email"`) {
			t.Fatalf("%d %s", page.StatusCode, page.Body)
		}
		form := url.Values{"name": {"Mette Østergård"}, "email": {"mette@example.dk"}, "language": {"da"}}
		event := request(
			"POST", "/e/samskabelse/registrations", []byte(form.Encode()),
			"Content-Type: application/x-www-form-urlencoded",
		)
		if !event.IsBase64Encoded {
			t.Fatal("API Gateway encodes form posts")
		}
		if res := httpCall(t, site, event); res.StatusCode != 303 {
			t.Fatalf("%d %s", res.StatusCode, res.Body)
		}

		rid := deltag.RegistrationID(e, deltag.Address{Normalized: "mette@example.dk"})
		key := deltag.DeliveryKey{EventID: e.ID, RegistrationID: rid, Kind: deltag.KindConfirmation, Version: 1}
		record := recorded(t, "../events/stream-insert-delivery.json", e.ID, rid)
		for range 2 { // records may come twice
			if answer := call[events.DynamoDBEventResponse](t, mailer, record); len(answer.BatchItemFailures) > 0 {
				t.Fatalf("%v\n%s", answer, mailer.Output())
			}
		}
		call[any](t, mailer, json.RawMessage(`{"tick":true}`))
		mails := d.mails.Mails()
		if len(mails) != 1 {
			t.Fatalf("%d mails: %+v", len(mails), mails)
		}
		if mails[0].To[0] != "mette@example.dk" || !strings.Contains(mails[0].Calendar, "METHOD:REQUEST") {
			t.Errorf("%+v", mails[0])
		}

		call[any](t, feedback, recorded(t, "../events/ses-delivery.json", e.ID, rid))
		got, err := d.store.Delivery(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		want(t, got.Status, deltag.DeliveryDelivered)

		list := httpCall(t, organiser, request("GET", "/api/v1/events/"+e.ID+"/registrations.csv", nil,
			"Authorization: Bearer "+d.newToken()))
		if list.StatusCode != 200 || !strings.Contains(list.Body, "Mette Østergård") {
			t.Errorf("%d %s", list.StatusCode, list.Body)
		}
		for name, f := range map[string]*lambdaruntime.Function{
			"site": site, "organiser": organiser, "mailer": mailer, "feedback": feedback,
		} {
			if logged := f.Output(); strings.Contains(logged, "mette") || strings.Contains(logged, "Mette") {
				t.Errorf("%s logs personal data: %s", name, logged)
			}
		}
	})
}

// ownMetrics are all that the functions make.
var ownMetrics = []string{
	mailer.MetricOldestDueAge, mailer.MetricMailsRefused, "MailsSent", "MailsDelayed", "MailsUnknown", "MailsFailed",
	visitor.MetricSignUps, visitor.MetricSignUpsLimited,
}

// TestMetrics: each of the mailer's invocations logs its metrics in one line, and the alarms of template.yaml look at
// metrics that are there.
func TestMetrics(t *testing.T) {
	alarms, seen := ownAlarms(t), map[string]bool{}
	for mode, outcome := range map[local.FailureMode]string{
		local.FailOff:          "MailsSent",
		local.FailAccessDenied: "MailsRefused.sending-not-allowed",
		local.FailNotVerified:  "MailsRefused.sending-not-allowed",
		local.FailPaused:       "MailsRefused.sending-not-allowed",
		local.FailQuota:        "MailsRefused.daily-quota",
		local.FailReject:       "MailsFailed.rejected",
	} {
		t.Run(string(mode), func(t *testing.T) {
			d := newDeployment(t, storetest.Embedded(t))
			d.newEvent()
			d.mails.InjectFailures(mode, 1)
			signUp := request("POST", "/api/v1/public/events/samskabelse/registrations",
				[]byte(`{"name":"Mette","email":"mette@example.dk"}`), "Content-Type: application/json")
			if res := httpCall(t, d.start("site"), signUp); res.StatusCode != 202 {
				t.Fatalf("%d %s", res.StatusCode, res.Body)
			}
			function := d.start("mailer")
			call[any](t, function, json.RawMessage(`{"tick":true}`))
			call[any](t, function, json.RawMessage(`{"tick":true}`))
			function.Stop() // its output is complete then
			lines := metricLines(t, function.Output())
			if len(lines) != 2 {
				t.Fatalf("%d lines of metrics for two ticks: %s", len(lines), function.Output())
			}
			want(t, lines[0].fields[outcome], any(1.0))
			want(t, lines[0].fields["requestId"] != nil && lines[0].fields["build"] != nil, true)
			want(t, lines[0].namespace, emf.Namespace)
			for _, alarm := range alarms {
				want(t, lines[0].dimensions, alarm.dimensions)
			}
			for metric := range lines[0].values {
				seen[metric] = true
			}
		})
	}
	t.Run("site", func(t *testing.T) {
		d := newDeployment(t, storetest.Embedded(t))
		d.newEvent()
		site := d.start("site")
		for _, body := range []string{`{"name":"Mette","email":"mette@example.dk"}`, `{"name":"Mette","email":"mette"}`} {
			httpCall(t, site, request("POST", "/api/v1/public/events/samskabelse/registrations", []byte(body),
				"Content-Type: application/json"))
		}
		httpCall(t, site, request("GET", "/e/samskabelse", nil)) // a page alone has none
		site.Stop()
		lines := metricLines(t, site.Output())
		if len(lines) != 1 || strings.Count(site.Output(), `"SignUps.invalid":1`) != 1 {
			t.Fatalf("%d lines of metrics for a sign-up, and one that is refused: %s", len(lines), site.Output())
		}
		want(t, lines[0].values, map[string]float64{"SignUps": 1})
		want(t, lines[0].fields["SignUps.confirmed"], any(1.0))
		for metric := range lines[0].values {
			seen[metric] = true
		}
	})
	t.Run("AreFewEnoughToBeFree", func(t *testing.T) {
		for metric := range seen {
			if !slices.Contains(ownMetrics, metric) {
				t.Errorf("%s is not listed", metric)
			}
		}
		if len(ownMetrics)+1 > 10 { // with TurnedAway, which is made of the access log
			t.Errorf("%d metrics", len(ownMetrics)+1)
		}
	})
	for name, alarm := range alarms {
		if !seen[alarm.metric] {
			t.Errorf("%s watches %s, which nothing logs", name, alarm.metric)
		}
	}
}

// An ownAlarm is one on a metric that a function logs.
type ownAlarm struct {
	metric     string
	dimensions []string
}

func ownAlarms(t *testing.T) map[string]ownAlarm {
	t.Helper()
	alarms := map[string]ownAlarm{}
	for name, resource := range at(t, template(t), "Resources").(object) {
		properties, _ := resource.(object)["Properties"].(object)
		if resource.(object)["Type"] != "AWS::CloudWatch::Alarm" || properties["Namespace"] != emf.Namespace {
			continue
		}
		alarm := ownAlarm{metric: properties["MetricName"].(string)}
		for _, dimension := range properties["Dimensions"].([]any) {
			alarm.dimensions = append(alarm.dimensions, dimension.(object)["Name"].(string))
		}
		alarms[name] = alarm
	}
	if len(alarms) < 2 {
		t.Fatalf("the template's own alarms: %v", alarms)
	}
	return alarms
}

// A metricLine is what CloudWatch reads from a line of metrics.
type metricLine struct {
	namespace  string
	dimensions []string
	values     map[string]float64
	fields     map[string]any // of the line, metrics too
}

func metricLines(t *testing.T, output string) (lines []metricLine) {
	t.Helper()
	for text := range strings.Lines(output) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if line["_aws"] == nil {
			continue
		}
		directive := at(t, line, "_aws", "CloudWatchMetrics").([]any)[0].(object)
		m := metricLine{namespace: directive["Namespace"].(string), values: map[string]float64{}, fields: line}
		for _, dimension := range directive["Dimensions"].([]any)[0].([]any) {
			m.dimensions = append(m.dimensions, dimension.(string))
			want(t, line[dimension.(string)], "function") // the name that lambdaruntime gives
		}
		for _, metric := range directive["Metrics"].([]any) {
			name := metric.(object)["Name"].(string)
			m.values[name] = line[name].(float64)
		}
		lines = append(lines, m)
	}
	return lines
}

// recorded is an event of the folder events, changed to be about another registration's confirmation.
func recorded(t testing.TB, file, eventID, rid string) json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for pattern, id := range map[string]string{
		`EVENT#([a-z2-7]{20})`: eventID, `([a-z2-7]{20})\.[a-z2-7]{20}\.confirmation`: eventID,
		`MAIL#([a-z2-7]{20})`: rid, `[a-z2-7]{20}\.([a-z2-7]{20})\.confirmation`: rid,
	} {
		if old := regexp.MustCompile(pattern).FindSubmatch(raw); old != nil {
			raw = bytes.ReplaceAll(raw, old[1], []byte(id))
		}
	}
	if !bytes.Contains(raw, []byte(rid)) {
		t.Fatalf("%s is not about a registration", file)
	}
	return raw
}

// TestHealth: the site names the commit that make has built it from.
func TestHealth(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Log("not run: there is no make")
		return
	}
	folder := t.TempDir()
	// LAMBDA is empty: for this machine's processor.
	makeSite := exec.Command("make", "-C", "..", "build-SiteFunction", "LAMBDA=", "ARTIFACTS_DIR="+folder)
	if out, err := makeSite.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := newDeployment(t, storetest.Embedded(t))
	site, err := lambdaruntime.Start(t.Context(), filepath.Join(folder, "bootstrap"), d.env)
	d.must(err)
	t.Cleanup(site.Stop)
	build := "unknown" // without a repository
	if commit, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output(); err == nil {
		build = strings.TrimSpace(string(commit))
	}
	health := httpCall(t, site, request("GET", "/healthz", nil))
	if health.StatusCode != 200 || !strings.Contains(health.Body, `"build":"`+build) {
		t.Errorf("%d %s, want the build %s", health.StatusCode, health.Body, build)
	}
}

// TestInvalidEnvironment: each function stops at init and names everything that is wrong, in one message.
func TestInvalidEnvironment(t *testing.T) {
	for name, missing := range map[string][]string{
		"site": {"TABLE", "BASE_URL"}, "organiser": {"TABLE", "BASE_URL"},
		"mailer": {"TABLE", "BASE_URL", "MAIL_FROM"}, "feedback": {"TABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			binary, err := lambdaruntime.Build(t.TempDir(), "deltag/functions/"+name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := lambdaruntime.Start(context.Background(), binary, nil)
			if err == nil {
				f.Stop()
				t.Fatal("the function started")
			}
			for _, variable := range missing {
				if !strings.Contains(err.Error(), variable) {
					t.Errorf("%s is not named in %v", variable, err)
				}
			}
		})
	}
}

func want(t testing.TB, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
