// Command doctor reads an AWS account and says in plain words what a stage of Deltag lacks there, and what to do about it.
// It changes nothing. make doctor and make deploy start it, in the folder of template.yaml and samconfig.toml. Credentials
// come from where the AWS CLI and SAM take them: environment, AWS_PROFILE, single sign-on.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"deltag/internal/dynamo"
)

// errMissing makes the exit code 1. The report has said why.
var errMissing = errors.New("something is missing: see what to do above")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), out io.Writer) error {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	name := flags.String("stage", "", "`dev` or prod, as in samconfig.toml")
	beforeDeploy := flags.String("before-deploy", "", "only check what a deployment needs, and write its parameters to a `file`."+
		" The arguments name those that the environment has values of")
	testMail := flags.Bool("test-mail", false, "also send three mails to SES's mailbox simulator, and wait for its reports")
	if err := flags.Parse(args); err != nil {
		return err
	}
	stage, err := readStage("samconfig.toml", *name)
	if err != nil {
		return err
	}
	d, err := newDoctor(ctx, stage, out)
	if err != nil {
		return err
	}
	if *beforeDeploy != "" {
		return d.prepareDeploy(ctx, "template.yaml", *beforeDeploy, flags.Args(), lookupEnv)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not an option", flags.Arg(0))
	}
	d.examine(ctx, *testMail)
	return d.report.conclude()
}

// A doctor holds what the checks read from, and the report that they write.
type doctor struct {
	stage  stage
	report report

	identity       *sts.Client
	cloudFormation *cloudformation.Client
	cloudWatch     *cloudwatch.Client
	logs           *cloudwatchlogs.Client
	lambda         *lambda.Client
	tables         *dynamodb.Client
	ses            *sesv2.Client
	sns            *sns.Client
	sqs            *sqs.Client

	http      *http.Client
	lookupTXT func(ctx context.Context, name string) ([]string, error)
	now       func() time.Time
	pause     time.Duration // between two looks for reports of the test mails
	patience  time.Duration // with them
}

func newDoctor(ctx context.Context, s stage, out io.Writer) (*doctor, error) {
	// Without the logger, on which the SDK's client of DynamoDB warns of checksums that it has not computed.
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(s.Region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, err
	}
	return &doctor{
		stage: s, report: report{out: out},
		identity: sts.NewFromConfig(c), cloudFormation: cloudformation.NewFromConfig(c),
		cloudWatch: cloudwatch.NewFromConfig(c), logs: cloudwatchlogs.NewFromConfig(c), lambda: lambda.NewFromConfig(c),
		tables: dynamodb.NewFromConfig(c), ses: sesv2.NewFromConfig(c), sns: sns.NewFromConfig(c), sqs: sqs.NewFromConfig(c),
		http:      &http.Client{Timeout: 10 * time.Second},
		lookupTXT: net.DefaultResolver.LookupTXT,
		now:       time.Now,
		pause:     5 * time.Second, patience: 3 * time.Minute,
	}, nil
}

// examine makes all checks. Without an account or a stack there is nothing to make the others on.
func (d *doctor) examine(ctx context.Context, testMail bool) {
	if !d.checkAccount(ctx) {
		return
	}
	s, ok := d.checkStack(ctx)
	if !ok {
		return
	}
	d.checkIdentity(ctx, s)
	d.checkDMARC(ctx, s)
	d.checkSending(ctx, s, dynamo.New(dynamo.ClientOf(d.tables), s.outputs["TableName"], rand.Reader))
	d.checkConfigurationSet(ctx, s)
	d.checkMailer(ctx, s)
	d.checkConcurrency(ctx)
	d.checkSite(ctx, s)
	d.checkTable(ctx, s)
	d.checkQueue(ctx, "dead letters", s.outputs["DeadLettersUrl"], "DeadLettersAlarm")
	d.checkQueue(ctx, "undelivered reports", s.outputs["UndeliveredFeedbackUrl"], "UndeliveredFeedbackAlarm")
	d.checkAlarms(ctx, s)
	d.checkSubscription(ctx, s)
	if testMail {
		d.sendTestMails(ctx, s)
	}
}
