package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// checkAlarms looks for each alarm of the stack. The stage dev has none.
func (d *doctor) checkAlarms(ctx context.Context, s stack) {
	if len(s.alarms) == 0 {
		d.report.ok("alarms", "this stage has none")
		return
	}
	out, err := d.cloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: s.alarms, MaxRecords: aws.Int32(100), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm},
	})
	if err != nil {
		d.report.unread("alarms", err)
		return
	}
	var ringing, silent []string
	for _, alarm := range out.MetricAlarms {
		name := aws.ToString(alarm.AlarmName)
		if alarm.StateValue == cwtypes.StateValueAlarm {
			ringing = append(ringing, name+" ("+aws.ToString(alarm.AlarmDescription)+")")
		}
		if !aws.ToBool(alarm.ActionsEnabled) {
			silent = append(silent, name)
		}
	}
	faults := false
	if gone := len(s.alarms) - len(out.MetricAlarms); gone > 0 {
		faults = true
		d.report.warning("alarms", fmt.Sprintf("%d of %d were deleted", gone, len(s.alarms)),
			"CloudFormation does not make them again by itself: take the alarms out of template.yaml, deploy, put them back and deploy again.")
	}
	if len(ringing) > 0 {
		faults = true
		d.report.warning("alarms", "ringing: "+strings.Join(ringing, ", "), "docs/operations.md, Alarms, says what to do for each.")
	}
	if len(silent) > 0 {
		faults = true
		d.report.warning("alarms", "silenced: "+strings.Join(silent, ", "),
			"aws cloudwatch enable-alarm-actions --region "+d.stage.Region+" --alarm-names "+strings.Join(silent, " "))
	}
	if !faults {
		d.report.ok("alarms", "%d, and none rings", len(s.alarms))
	}
}

// pendingConfirmation is what SNS has in place of the ARN of a subscription that nobody has confirmed.
const pendingConfirmation = "PendingConfirmation"

// checkSubscription asks whether somebody gets the alarms.
func (d *doctor) checkSubscription(ctx context.Context, s stack) {
	topic, address := s.resources["Alarms"], s.parameters["AlarmEmail"]
	if len(s.alarms) == 0 {
		return
	}
	if topic == "" {
		d.report.warning("alarm mail", "nobody gets the alarms: the parameter AlarmEmail is empty",
			"make deploy STAGE="+d.stage.Name+" AlarmEmail=operations@example.dk")
		return
	}
	out, err := d.sns.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	if err != nil {
		d.report.unread("alarm mail", err)
		return
	}
	state := "has no subscription"
	for _, subscription := range out.Subscriptions {
		if aws.ToString(subscription.Endpoint) != address {
			continue
		}
		if strings.HasPrefix(aws.ToString(subscription.SubscriptionArn), "arn:") {
			d.report.ok("alarm mail", "%s gets the alarms", address)
			return
		}
		if aws.ToString(subscription.SubscriptionArn) == pendingConfirmation {
			state = "has not confirmed its subscription"
		}
	}
	d.report.warning("alarm mail", address+" "+state, "press the link in the mail from AWS Notifications. For another one:\n"+
		"aws sns subscribe --region "+d.stage.Region+" --topic-arn "+topic+" --protocol email --notification-endpoint "+address)
}
