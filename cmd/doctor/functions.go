package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"deltag/internal/mailer"
)

// lateAfter is when LateMailAlarm rings.
const lateAfter = 15 * time.Minute

// checkMailer asks whether the ticks come, by the metric that each of them writes.
func (d *doctor) checkMailer(ctx context.Context, s stack) {
	function := s.resources["MailerFunction"]
	reserved, err := d.lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &function})
	if err != nil {
		d.report.unread("mailer", err)
		return
	}
	if n := reserved.ReservedConcurrentExecutions; n != nil && *n == 0 {
		d.report.lacks("mailer", "all mail was stopped: the function's concurrency is 0",
			"when it may go on: aws lambda delete-function-concurrency --region "+d.stage.Region+" --function-name "+function)
		return
	}
	oldest, refused := mailer.MetricOldestDueAge, mailer.MetricMailsRefused
	age, isReported, err := d.mailerMetric(ctx, function, oldest, lateAfter)
	if err != nil {
		d.report.unread("mailer", err)
		return
	}
	refusals, _, err := d.mailerMetric(ctx, function, refused, time.Hour)
	late := time.Duration(age) * time.Second
	switch {
	case err != nil:
		d.report.unread("mailer", err)
	case !isReported && d.now().Sub(s.createdAt) < lateAfter:
		d.report.warning("mailer", "no tick has reported yet; the stack is new", "run this again in a quarter of an hour.")
	case !isReported:
		d.report.lacks("mailer", "no tick has reported for 15 minutes: reminders wait", "see LateMailAlarm in docs/operations.md.")
	case refusals > 0:
		d.report.lacks("mailer", "SES refused mail within the last hour", "see SendingRefusedAlarm in docs/operations.md.")
	case late > lateAfter:
		d.report.lacks("mailer", fmt.Sprintf("mail has waited for %s", late), "see LateMailAlarm in docs/operations.md.")
	default:
		d.report.ok("mailer", "looks for due mail; the oldest was %s late", late)
	}
}

// mailerMetric is the greatest value of one of the mailer's metrics within a time, if there is any.
func (d *doctor) mailerMetric(ctx context.Context, function, name string, within time.Duration) (greatest float64, any bool, err error) {
	out, err := d.cloudWatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Deltag"), MetricName: &name,
		Dimensions: []cwtypes.Dimension{{Name: aws.String("FunctionName"), Value: &function}},
		StartTime:  aws.Time(d.now().Add(-within)), EndTime: aws.Time(d.now()), Period: aws.Int32(int32(within.Seconds())),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticMaximum},
	})
	if err != nil {
		return 0, false, err
	}
	for _, point := range out.Datapoints {
		greatest = max(greatest, aws.ToFloat64(point.Maximum))
	}
	return greatest, len(out.Datapoints) > 0, nil
}

// rushConcurrency is what 2,000 sign-ups within ten seconds take while the functions start: three times the 44 of
// docs/scaling.md.
const rushConcurrency = 132

func (d *doctor) checkConcurrency(ctx context.Context) {
	out, err := d.lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		d.report.unread("concurrency", err)
		return
	}
	if n := out.AccountLimit.ConcurrentExecutions; n < rushConcurrency {
		d.report.warning("concurrency", fmt.Sprintf("Lambda runs %d calls at once, and a rush of 2,000 people takes %d", n, rushConcurrency),
			"ask for 1,000 before a large event: Service Quotas → AWS Lambda → Concurrent executions.")
		return
	}
	d.report.ok("concurrency", "Lambda runs %d calls at once", out.AccountLimit.ConcurrentExecutions)
}

// checkSite asks the site whether it is well, and which commit it was built from.
func (d *doctor) checkSite(ctx context.Context, s stack) {
	url := s.outputs["SiteUrl"] + "/healthz"
	build, err := d.askHealth(ctx, url)
	if err != nil {
		remedy := "see ApiErrorsAlarm in docs/operations.md."
		if record := s.outputs["DnsSite"]; record != "" {
			remedy += " The host name needs this DNS record:\n" + record
		}
		d.report.lacks("site", url+": "+err.Error(), remedy)
		return
	}
	d.report.ok("site", "%s answers; it is commit %s", s.outputs["SiteUrl"], build)
}

func (d *doctor) askHealth(ctx context.Context, url string) (build string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := d.http.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var health struct{ Build string }
	body, err := io.ReadAll(io.LimitReader(res.Body, 10_000))
	if err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %.200s", res.Status, strings.TrimSpace(string(body)))
	}
	if json.Unmarshal(body, &health) != nil || health.Build == "" {
		return "", fmt.Errorf("its answer names no build: %.200s", body)
	}
	return health.Build, nil
}

// checkQueue looks into a queue of what was given up. alarm names its runbook.
func (d *doctor) checkQueue(ctx context.Context, subject, url, alarm string) {
	out, err := d.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		d.report.unread(subject, err)
		return
	}
	if n := out.Attributes["ApproximateNumberOfMessages"]; n != "0" {
		d.report.warning(subject, "messages in the queue: "+n, "see "+alarm+" in docs/operations.md.")
		return
	}
	d.report.ok(subject, "none")
}
