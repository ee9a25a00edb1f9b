package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// A testMail goes to SES's mailbox simulator, which works in the sandbox too, and counts neither for quotas nor for the
// sender's reputation: https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
type testMail struct {
	to     string // the local part
	report string // SES's last event about it
	id     string // SES's message id
}

// sendTestMails sends from MailFrom with the stack's configuration set, as the mailer does, and waits until SES's reports
// have come back. They take the whole way: SES, EventBridge, the rules, feedback. Feedback leaves mail without our tag
// alone and logs its message id, which is what this reads. So nothing is written to the table, no address is
// suppressed, and the reputation guard counts nothing.
func (d *doctor) sendTestMails(ctx context.Context, s stack) {
	mails := []*testMail{
		{to: "success", report: "Delivery"}, {to: "bounce", report: "Bounce"}, {to: "complaint", report: "Complaint"},
	}
	from, set := s.parameters["MailFrom"], s.resources["ConfigurationSet"]
	sentAt := d.now()
	for _, m := range mails {
		out, err := d.ses.SendEmail(ctx, &sesv2.SendEmailInput{
			FromEmailAddress: &from, ConfigurationSetName: &set,
			Destination: &types.Destination{ToAddresses: []string{m.to + "@simulator.amazonses.com"}},
			Content: &types.EmailContent{Simple: &types.Message{
				Subject: &types.Content{Data: aws.String("Test mail of make doctor")},
				Body:    &types.Body{Text: &types.Content{Data: aws.String("Nobody reads this.")}},
			}},
		})
		if err != nil {
			d.report.lacks("test mail", "SES does not take mail from "+from+": "+brief(err), "see SendingRefusedAlarm in docs/operations.md.")
			return
		}
		m.id = aws.ToString(out.MessageId)
	}
	log := s.resources["FeedbackLog"]
	for deadline := sentAt.Add(d.patience); ; {
		var waiting []string
		for _, m := range mails {
			reported, err := d.isReported(ctx, log, m, sentAt)
			if err != nil {
				d.report.unread("test mail", err)
				return
			}
			if !reported {
				waiting = append(waiting, m.to+" ("+m.report+")")
			}
		}
		if len(waiting) == 0 {
			d.report.ok("test mail", "taken by SES; delivery, bounce and complaint came back")
			return
		}
		if d.now().After(deadline) {
			d.report.warning("test mail", fmt.Sprintf("SES took it, but no report within %s about: %s", d.patience, strings.Join(waiting, ", ")),
				"see UndeliveredFeedbackAlarm in docs/operations.md, and "+log+" in CloudWatch Logs.")
			return
		}
		select {
		case <-ctx.Done():
			d.report.unread("test mail", ctx.Err())
			return
		case <-time.After(d.pause):
		}
	}
}

// isReported looks in the log of feedback for the event that m waits for.
func (d *doctor) isReported(ctx context.Context, log string, m *testMail, since time.Time) (bool, error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(d.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &log, StartTime: aws.Int64(since.Add(-time.Minute).UnixMilli()),
		FilterPattern: aws.String(`"` + m.id + `"`),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, event := range page.Events {
			var line struct{ Type, Message string }
			_ = json.Unmarshal([]byte(aws.ToString(event.Message)), &line) // no JSON: not feedback's own
			if line.Message == m.id && line.Type == m.report {
				return true, nil
			}
		}
	}
	return false, nil
}
