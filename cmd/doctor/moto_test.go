package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/testing/moto"
	"deltag/internal/testing/storetest"
)

// TestOnMoto reads a stack that moto has made: services that others have written, where the recorded answers are ours. moto
// does not know SES's account, configuration sets in a stack, Lambda's limit, and CloudWatch's new protocol (CBOR): these
// have to show as unread, never as ok.
func TestOnMoto(t *testing.T) {
	endpoint, ok := moto.Start(t)
	if !ok {
		return
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"build":"0123456789ab"}`)
	}))
	defer site.Close()
	engine := storetest.NewEngine(t, endpoint)
	var out strings.Builder
	d := newTestDoctor(t, endpoint, "prod", &out)
	d.now = time.Now // moto's metrics and log lines have times
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	examine := func() []string {
		out.Reset()
		d.report = report{out: &out}
		d.examine(t.Context(), false)
		faults, _ := faultsOf(out.String())
		return faults
	}
	wantPrefixes := func(want ...string) {
		t.Helper()
		got := examine()
		for i := range min(len(got), len(want)) {
			if strings.HasPrefix(got[i], want[i]) {
				got[i] = want[i]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s\n%s", diff, out.String())
		}
	}
	wantPrefixes("missing stack deltag does not exist in eu-north-1")

	template, err := os.ReadFile("testdata/stack.yaml")
	must(nil, err)
	parameter := func(name, value string) cftypes.Parameter {
		return cftypes.Parameter{ParameterKey: &name, ParameterValue: &value}
	}
	must(d.cloudFormation.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("deltag"), TemplateBody: aws.String(string(template)), Capabilities: []cftypes.Capability{"CAPABILITY_IAM"},
		Parameters: []cftypes.Parameter{
			parameter("MailFrom", "deltag@example.dk"), parameter("MailRate", "14"), parameter("SiteUrl", site.URL),
			parameter("AlarmEmail", "operations@example.dk"), parameter("TableName", engine.Table),
		},
	}))
	unread := []string{
		"missing SES account could not be read", "missing configuration set could not be read", "missing mailer could not be read",
		"missing concurrency could not be read",
	}
	wantPrefixes(slices.Concat([]string{"missing identity SES does not know example.dk"}, unread, []string{
		"warning deletion protection off", "warning backups off", "warning time to live off", "warning stream off",
	})...)

	must(d.ses.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("example.dk")}))
	must(d.tables.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName: &engine.Table, DeletionProtectionEnabled: aws.Bool(true),
		StreamSpecification: &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewTypeNewAndOldImages},
	}))
	must(d.tables.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName: &engine.Table, PointInTimeRecoverySpecification: &dynamotypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	}))
	must(d.tables.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &engine.Table, TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{Enabled: aws.Bool(true), AttributeName: aws.String("expiresAt")},
	}))
	s, ok := d.checkStack(t.Context())
	if !ok {
		t.Fatal(out.String())
	}
	function := s.resources["MailerFunction"]
	must(d.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.outputs["DeadLettersUrl"]), MessageBody: aws.String("{}")}))
	table, err := d.tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &engine.Table})
	must(nil, err)
	must(d.lambda.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: &function, EventSourceArn: table.Table.LatestStreamArn, StartingPosition: "LATEST",
	}))
	wantPrefixes(slices.Concat([]string{
		"missing identity example.dk is not verified", "warning DKIM mail from example.dk is not signed",
		"warning bounce domain example.dk has no MAIL FROM domain",
	}, unread, []string{"warning dead letters messages in the queue: 1"})...)
	s.alarms = []string{"any"}
	if d.checkSubscription(t.Context(), s); !strings.Contains(out.String(), "operations@example.dk gets the alarms") {
		t.Errorf("a subscription that moto takes for confirmed:\n%s", out.String())
	}

	// What feedback logs about a test mail is found by the message's id.
	id, stream := "0110019ab1c2d3e4-1-000000", aws.String("s")
	must(d.logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(s.resources["FeedbackLog"]), LogStreamName: stream}))
	must(d.logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String(s.resources["FeedbackLog"]), LogStreamName: stream, LogEvents: []logtypes.InputLogEvent{{
			Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(`{"level":"WARN","type":"Bounce","message":"` + id + `"}`),
		}},
	}))
	for want, m := range map[bool]*testMail{true: {report: "Bounce", id: id}, false: {report: "Delivery", id: id}} {
		if got, err := d.isReported(t.Context(), s.resources["FeedbackLog"], m, time.Now()); err != nil || got != want {
			t.Errorf("%s: %t, %v", m.report, got, err)
		}
	}
}
