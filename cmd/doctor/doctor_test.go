package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// useEndpoint makes the SDK and nothing else of this machine speak to endpoint.
func useEndpoint(t *testing.T, endpoint string) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
}

// newTestDoctor reads endpoint, and a DNS in which example.dk has a policy. What it prints goes to out.
func newTestDoctor(t *testing.T, endpoint, stageName string, out *strings.Builder) *doctor {
	t.Helper()
	useEndpoint(t, endpoint)
	d, err := newDoctor(t.Context(), stage{Name: stageName, Stack: "deltag", Region: "eu-north-1"}, out)
	if err != nil {
		t.Fatal(err)
	}
	d.now = func() time.Time { return now }
	d.pause, d.patience = time.Millisecond, -time.Second
	d.lookupTXT = func(_ context.Context, name string) ([]string, error) {
		if name == "_dmarc.example.dk" {
			return []string{"v=DMARC1; p=none"}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return d
}

// faultsOf are the lines that are not ok, and the subjects of all lines.
func faultsOf(out string) (faults, subjects []string) {
	lines, _, _ := strings.Cut(out, "\n\n")
	for line := range strings.Lines(lines) {
		subjects = append(subjects, strings.TrimSpace(line[9:29]))
		if !strings.HasPrefix(line, "ok ") {
			faults = append(faults, strings.Join(strings.Fields(line), " "))
		}
	}
	return faults, subjects
}

// eventWithPeople is an event tomorrow, with a reminder an hour before and three people.
func eventWithPeople(t *testing.T, engine storetest.Engine) {
	t.Helper()
	store := engine.Store()
	id, idErr := deltag.NewID(rand.Reader)
	secret, secretErr := deltag.NewSecret(rand.Reader)
	e, mailings := deltag.Event{
		ID: id, Slug: "samskabelse", Title: "Samskabelse", Language: deltag.LanguageDanish, StartsAt: now.AddDate(0, 0, 1),
		EndsAt: now.AddDate(0, 0, 1).Add(time.Hour), TimeZone: "Europe/Copenhagen", RetentionDays: 30, Status: deltag.EventOpen,
		Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"}, Secret: secret, Verify: deltag.VerifyNever,
		ScheduledMails: deltag.DefaultScheduledMails()[1:2],
	}.WithInitialState(now)
	if err := errors.Join(idErr, secretErr, e.Validate(), store.CreateEvent(t.Context(), e, mailings)); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		address := fmt.Sprintf("p%d@example.dk", n)
		_, err := store.SignUp(t.Context(), e, deltag.SignUpRequest{
			Name: "P", Email: deltag.Address{Original: address, Normalized: address}, Language: deltag.LanguageDanish,
		}, now)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestExamine reads a healthy account, and then one with each fault, which has to change its own line alone.
func TestExamine(t *testing.T) {
	engine := storetest.Embedded(t)
	eventWithPeople(t, engine)
	t.Run("Healthy", func(t *testing.T) {
		var out strings.Builder
		d := newTestDoctor(t, newRecordedAWS(t, engine).url, "prod", &out)
		d.examine(t.Context(), true)
		if err := d.report.conclude(); err != nil {
			t.Error(err)
		}
		t.Log(out.String())
		faults, subjects := faultsOf(out.String())
		want := []string{
			"account", "stack", "identity", "DKIM", "bounce domain", "DMARC", "production access", "sending", "quota", "rate",
			"configuration set", "reports", "mailer", "concurrency", "site", "table", "deletion protection", "backups",
			"time to live", "stream", "dead letters", "undelivered reports", "alarms", "alarm mail", "test mail",
		}
		if diff := cmp.Diff(want, subjects); diff != "" || len(faults) > 0 {
			t.Errorf("%v (-want +got):\n%s", faults, diff)
		}
		// Three confirmations, three reminders, and the two mails that the account has sent.
		if !strings.Contains(out.String(), "at most 8 fall due in any 24 hours of the next 7 days, from 28 November 12:00 UTC") {
			t.Errorf("the quota is not held against what is due:\n%s", out.String())
		}
	})
	const denied = "AccessDeniedException"
	for name, c := range map[string]struct {
		change change
		stage  string // "": prod
		fault  string // how its line begins; "": none
		remedy string // what the list at the end contains
	}{
		"NoCredentials": {
			change{"GetCallerIdentity", "InvalidClientTokenId", "The security token is invalid.", 403}, "",
			"missing account no credentials that AWS takes: InvalidClientTokenId: The security token is invalid.", "aws sso login",
		},
		"NoStack": {
			change{"DescribeStacks", "ValidationError", "Stack with id deltag does not exist", 400}, "",
			"missing stack deltag does not exist in eu-north-1", "make deploy STAGE=prod",
		},
		"StackMayNotBeRead": {change{"DescribeStacks", denied, "no", 400}, "", "missing stack could not be read: AccessDenied", "let these"},
		"FirstDeploymentFailed": {
			change{"DescribeStacks", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", 0}, "",
			"missing stack deltag is ROLLBACK_COMPLETE", "sam delete --no-prompts --region eu-north-1 --stack-name deltag",
		},
		"GoingBackFailed": {
			change{"DescribeStacks", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", 0}, "",
			"missing stack deltag is UPDATE_ROLLBACK_FAILED", "continue-update-rollback",
		},
		"LastDeploymentFailed": {
			change{"DescribeStacks", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", 0}, "",
			"warning stack deltag is UPDATE_ROLLBACK_COMPLETE", "events",
		},
		"BeingDeployed": {
			change{"DescribeStacks", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", 0}, "",
			"warning stack deltag is UPDATE_IN_PROGRESS", "wait",
		},
		"BeingDeleted": {
			change{"DescribeStacks", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS", 0}, "",
			"missing stack deltag is DELETE_IN_PROGRESS", "wait until it is gone",
		},
		"IdentityNotVerified": {
			change{"GetEmailIdentity", `"VerifiedForSendingStatus": true,
  "VerificationStatus": "SUCCESS"`, `"VerificationStatus": "PENDING"`, 0}, "",
			"missing identity example.dk is not verified: PENDING", "\n    abc._domainkey.example.dk CNAME abc.dkim.amazonses.com\n",
		},
		"NoIdentity": {
			change{"GetEmailIdentity", "NotFoundException", "no", 404}, "",
			"missing identity SES does not know events.example.dk", "MailIdentity=create",
		},
		"DKIMPending": {
			change{"GetEmailIdentity", `"Status": "SUCCESS"`, `"Status": "PENDING"`, 0}, "",
			"missing DKIM mail from example.dk is not signed: PENDING", "abc._domainkey.example.dk",
		},
		"DKIMOff": {
			change{"GetEmailIdentity", `"SigningEnabled": true`, `"SigningEnabled": false`, 0}, "",
			"warning DKIM mail from example.dk is not signed", "enable signing",
		},
		"BounceDomainPending": {
			change{"GetEmailIdentity", `"MailFromDomainStatus": "SUCCESS"`, `"MailFromDomainStatus": "PENDING"`, 0}, "",
			"warning bounce domain bounces.example.dk: PENDING; SES uses", "bounces.example.dk MX 10",
		},
		"BounceDomainRefuses": {
			change{"GetEmailIdentity", `"MailFromDomainStatus": "SUCCESS", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"`,
				`"MailFromDomainStatus": "FAILED", "BehaviorOnMxFailure": "REJECT_MESSAGE"`, 0}, "",
			"missing bounce domain bounces.example.dk: FAILED, and SES refuses all mail", "bounces.example.dk MX 10",
		},
		"NoBounceDomain": {
			change{"GetEmailIdentity", `"MailFromDomain": "bounces.example.dk", `, ``, 0}, "",
			"warning bounce domain example.dk has no MAIL FROM domain", "Custom MAIL FROM",
		},
		"Sandbox": {
			change{"GetAccount", `"ProductionAccessEnabled": true`, `"ProductionAccessEnabled": false`, 0}, "",
			"missing production access the account is in SES's sandbox", "Request production access",
		},
		"SandboxInDev": {
			change{"GetAccount", `"ProductionAccessEnabled": true`, `"ProductionAccessEnabled": false`, 0}, "dev",
			"warning production access the account is in SES's sandbox", "Request production access",
		},
		"SendingPaused": {
			change{"GetAccount", `"SendingEnabled": true`, `"SendingEnabled": false`, 0}, "", "missing sending SES has paused", "BounceRateAlarm",
		},
		"SendingShutDown": {change{"GetAccount", "HEALTHY", "SHUTDOWN", 0}, "", "missing sending SES has paused", "BounceRateAlarm"},
		"UnderReview":     {change{"GetAccount", "HEALTHY", "PROBATION", 0}, "", "warning sending the account is under review", "BounceRateAlarm"},
		"QuotaTooSmall": {
			change{"GetAccount", "50000", "7", 0}, "",
			"missing quota SES sends 7 mails in 24 hours; at most 8 fall due", "limit increase",
		},
		"QuotaTight": {
			change{"GetAccount", "50000", "9", 0}, "", "warning quota SES sends 9 mails in 24 hours; at most 8 fall due", "limit increase",
		},
		"QuotaUnlimited": {change{"GetAccount", "50000", "-1", 0}, "", "", ""},
		"RateTooHigh": {
			change{"GetAccount", `"MaxSendRate": 14`, `"MaxSendRate": 1`, 0}, "",
			"warning rate MailRate is 14 a second, and SES allows 1: it will throttle", "make deploy STAGE=prod MailRate=1",
		},
		"RateTooLow": {
			change{"GetAccount", `"MaxSendRate": 14`, `"MaxSendRate": 50`, 0}, "",
			"warning rate MailRate is 14 a second, and SES allows 50", "make deploy STAGE=prod MailRate=50",
		},
		"LargestMailingTakesLong": {
			change{"DescribeStacks", ">14<", ">0.003<", 0}, "",
			"warning rate MailRate is 0.003 a second, and SES allows 14; the largest mailing of the next 7 days, 3 mails, takes 17m0s",
			"ask SES for a higher rate",
		},
		"ConfigurationSetGone": {
			change{"GetConfigurationSet", "NotFoundException", "no", 404}, "",
			"missing configuration set ConfigurationSet-0a1b is gone", "create-configuration-set",
		},
		"ConfigurationSetOff": {
			change{"GetConfigurationSet", `true`, `false`, 0}, "",
			"missing configuration set sending by ConfigurationSet-0a1b is switched off", "put-configuration-set-sending-options",
		},
		"BouncesAreNotReported": {
			change{"GetConfigurationSetEventDestinations", `"BOUNCE", `, ``, 0}, "",
			"warning reports SES does not report to EventBridge: [BOUNCE]", "Event destinations",
		},
		"ReportsOff": {
			change{"GetConfigurationSetEventDestinations", `"Enabled": true`, `"Enabled": false`, 0}, "",
			"warning reports SES does not report to EventBridge: [SEND DELIVERY", "Event destinations",
		},
		"MailStopped": {
			change{"GetFunctionConcurrency", "", `{"ReservedConcurrentExecutions": 0}`, 0}, "",
			"missing mailer all mail was stopped", "delete-function-concurrency --region eu-north-1 --function-name deltag-MailerFunction-0a1b",
		},
		"NoTick":   {change{"OldestDueAge", "", `{"Datapoints": []}`, 0}, "", "missing mailer no tick has reported", "LateMailAlarm"},
		"MailLate": {change{"OldestDueAge", "2.5", "1800", 0}, "", "missing mailer mail has waited for 30m0s", "LateMailAlarm"},
		"MailRefused": {
			change{"MailsRefused", "[]", `[{"Maximum": 3}]`, 0}, "", "missing mailer SES refused mail", "SendingRefusedAlarm",
		},
		"SmallConcurrency": {
			change{"GetAccountSettings", `"ConcurrentExecutions": 1000`, `"ConcurrentExecutions": 10`, 0}, "",
			"warning concurrency Lambda runs 10 calls at once", "Service Quotas",
		},
		"SiteFails":  {change{"health", "unavailable", "no", 503}, "", "missing site http://127.0.0.1", "ApiErrorsAlarm"},
		"SiteIsNone": {change{"health", "", "<html>", 0}, "", "missing site http://127.0.0.1", "ApiErrorsAlarm"},
		"TableGone": {
			change{"DescribeTable", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "no", 400}, "",
			"missing table", "Restoring",
		},
		"Unprotected": {
			change{"DescribeTable", `"DeletionProtectionEnabled": true`, `"DeletionProtectionEnabled": false`, 0}, "",
			"warning deletion protection off", "update-table",
		},
		"UnprotectedInDev": {
			change{"DescribeTable", `"DeletionProtectionEnabled": true`, `"DeletionProtectionEnabled": false`, 0}, "dev", "", "",
		},
		"NoBackups": {
			change{"DescribeContinuousBackups", `"PointInTimeRecoveryStatus": "ENABLED"`, `"PointInTimeRecoveryStatus": "DISABLED"`, 0}, "",
			"warning backups off", "update-continuous-backups",
		},
		"NothingExpires": {
			change{"DescribeTimeToLive", "ENABLED", "DISABLED", 0}, "", "warning time to live off", "update-time-to-live",
		},
		"AnotherAttributeExpires": {change{"DescribeTimeToLive", "expiresAt", "ttl", 0}, "", "warning time to live off", "expiresAt"},
		"NoStream": {
			change{"DescribeTable", `"StreamEnabled": true`, `"StreamEnabled": false`, 0}, "", "warning stream off", "StreamViewType",
		},
		"StreamCallsNobody": {
			change{"ListEventSourceMappings", "Enabled", "Disabled", 0}, "", "warning stream does not call the mailer", "Triggers",
		},
		"StreamCallsAnother": {
			change{"ListEventSourceMappings", "function:deltag-MailerFunction-0a1b", "function:other", 0}, "",
			"warning stream does not call the mailer", "Triggers",
		},
		"AlarmDeleted": {
			change{"DescribeAlarms", `{"AlarmName": "deltag-LateMailAlarm-0a1b", "AlarmDescription": "Mail waits.", "StateValue": "OK", "ActionsEnabled": true},`, "", 0}, "",
			"warning alarms 1 of 2 were deleted", "put them back",
		},
		"AlarmRings": {
			change{"DescribeAlarms", `"OK"`, `"ALARM"`, 0}, "", "warning alarms ringing: deltag-LateMailAlarm-0a1b (Mail waits.)", "docs/operations.md",
		},
		"AlarmSilenced": {
			change{"DescribeAlarms", `"INSUFFICIENT_DATA", "ActionsEnabled": true`, `"OK", "ActionsEnabled": false`, 0}, "",
			"warning alarms silenced: deltag-BounceRateAlarm-0a1b", "enable-alarm-actions",
		},
		"NobodyGetsAlarms": {
			change{"ListStackResources", "<LogicalResourceId>Alarms<", "<LogicalResourceId>None<", 0}, "",
			"warning alarm mail nobody gets the alarms", "AlarmEmail=",
		},
		"SubscriptionPending": {
			change{"ListSubscriptionsByTopic", "arn:aws:sns:eu-north-1:123456789012:deltag-Alarms-0a1b:80289ba6", "PendingConfirmation", 0}, "",
			"warning alarm mail operations@example.dk has not confirmed", "aws sns subscribe",
		},
		"SubscriptionGone": {
			change{"ListSubscriptionsByTopic", "operations@example.dk", "else@example.dk", 0}, "",
			"warning alarm mail operations@example.dk has no subscription", "aws sns subscribe",
		},
		"SESRefusesTheTestMail": {
			change{"SendEmail", "MessageRejected", "Email address is not verified.", 400}, "",
			"missing test mail SES does not take mail from deltag@events.example.dk: MessageRejected: Email address is not verified.", "SendingRefusedAlarm",
		},
		"NoReportComesBack": {
			change{"FilterLogEvents", "TYPE", "Send", 0}, "",
			"warning test mail SES took it, but no report within", "UndeliveredFeedbackAlarm",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			stageName := c.stage
			if stageName == "" {
				stageName = "prod"
			}
			d := newTestDoctor(t, newRecordedAWS(t, engine, c.change).url, stageName, &out)
			d.examine(t.Context(), true)
			err := d.report.conclude()
			faults, _ := faultsOf(out.String())
			var want []string
			if c.fault != "" {
				want = []string{c.fault}
			}
			same := slices.EqualFunc(want, faults, func(want, got string) bool { return strings.HasPrefix(got, want) })
			_, todo, _ := strings.Cut(out.String(), "What to do:")
			if !same || !strings.Contains(todo, c.remedy) {
				t.Errorf("got %q\n%s", faults, out.String())
			}
			if isMissing := strings.HasPrefix(c.fault, "missing"); isMissing != errors.Is(err, errMissing) {
				t.Errorf("conclude: %v", err)
			}
		})
	}
	t.Run("DeadLetters", func(t *testing.T) {
		var out strings.Builder
		changed := change{"GetQueueAttributes", `"0"`, `"3"`, 0}
		d := newTestDoctor(t, newRecordedAWS(t, engine, changed).url, "prod", &out)
		d.examine(t.Context(), false)
		faults, _ := faultsOf(out.String())
		want := []string{"warning dead letters messages in the queue: 3", "warning undelivered reports messages in the queue: 3"}
		if diff := cmp.Diff(want, faults); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("NoDMARC", func(t *testing.T) {
		var out strings.Builder
		d := newTestDoctor(t, newRecordedAWS(t, engine).url, "prod", &out)
		answers := map[string]error{
			"warning DMARC events.example.dk has no policy":                 &net.DNSError{IsNotFound: true},
			"warning DMARC DNS did not say whether events.example.dk has a": &net.DNSError{Err: "server misbehaving", IsTemporary: true},
		}
		for want, answer := range answers {
			out.Reset()
			d.lookupTXT = func(context.Context, string) ([]string, error) { return nil, answer }
			d.checkDMARC(t.Context(), stack{parameters: map[string]string{"MailFrom": "deltag@events.example.dk"}})
			if faults, _ := faultsOf(out.String()); len(faults) != 1 || !strings.HasPrefix(faults[0], want) {
				t.Errorf("%q", faults)
			}
		}
	})
}

func TestPeak(t *testing.T) {
	hours := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour) }
	for name, c := range map[string]struct {
		mails []dueMail
		sent  int
		most  int
		from  time.Time
	}{
		"Nothing":             {nil, 5, 0, time.Time{}},
		"WithinOneDay":        {[]dueMail{{hours(0), 2}, {hours(23), 3}}, 0, 5, hours(0)},
		"NotOverADay":         {[]dueMail{{hours(0), 2}, {hours(24), 3}}, 0, 3, hours(24)},
		"SentCountsToday":     {[]dueMail{{hours(0), 2}, {hours(24), 3}}, 2, 4, hours(0)},
		"SentDoesNotTomorrow": {[]dueMail{{hours(25), 3}}, 9, 3, hours(25)},
		"TheSecondDayIsWorse": {[]dueMail{{hours(0), 4}, {hours(20), 4}, {hours(40), 4}, {hours(43), 4}}, 0, 12, hours(20)},
	} {
		t.Run(name, func(t *testing.T) {
			most, from := dueMails{mails: c.mails}.peak(now, c.sent)
			if most != c.most || !from.Equal(c.from) {
				t.Errorf("%d from %s", most, from)
			}
		})
	}
}
