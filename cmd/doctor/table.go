package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (d *doctor) checkTable(ctx context.Context, s stack) {
	name := s.outputs["TableName"]
	out, err := d.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var gone *types.ResourceNotFoundException
	if errors.As(err, &gone) {
		d.report.lacks("table", name+" is gone", "see Restoring in docs/operations.md.")
		return
	}
	if err != nil {
		d.report.unread("table", err)
		return
	}
	table := out.Table
	if table.TableStatus != types.TableStatusActive && table.TableStatus != types.TableStatusUpdating {
		d.report.lacks("table", fmt.Sprintf("%s is %s", name, table.TableStatus), "see Restoring in docs/operations.md.")
	} else {
		d.report.ok("table", "%s", name)
	}
	change := "aws dynamodb update-table --region " + d.stage.Region + " --table-name " + name
	switch {
	case aws.ToBool(table.DeletionProtectionEnabled):
		d.report.ok("deletion protection", "on")
	case d.stage.Name == "dev":
		d.report.ok("deletion protection", "off, as this stage may be")
	default:
		d.report.warning("deletion protection", "off: one call deletes the table", d.protectTable(s, change))
	}
	d.checkBackups(ctx, name)
	d.checkExpiry(ctx, name)
	d.checkStream(ctx, s, table, change)
}

// protectTable leaves it to the template if that has a parameter for it: what is changed beside it differs from it.
func (d *doctor) protectTable(s stack, change string) string {
	if s.parameters["ProtectTable"] == "false" {
		return "make deploy STAGE=" + d.stage.Name + " ProtectTable=true"
	}
	return change + " --deletion-protection-enabled"
}

func (d *doctor) checkBackups(ctx context.Context, name string) {
	out, err := d.tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		d.report.unread("backups", err)
		return
	}
	recovery := out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	if recovery == nil || recovery.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		d.report.warning("backups", "off: nothing can be restored", "aws dynamodb update-continuous-backups --region "+d.stage.Region+
			" --table-name "+name+" --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=7")
		return
	}
	d.report.ok("backups", "to any second of the last %d days", aws.ToInt32(recovery.RecoveryPeriodInDays))
}

// checkExpiry looks at DynamoDB's time to live, which deletes sessions, tokens and counters.
func (d *doctor) checkExpiry(ctx context.Context, name string) {
	out, err := d.tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		d.report.unread("time to live", err)
		return
	}
	ttl := out.TimeToLiveDescription
	isOn := ttl != nil && (ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	if !isOn || aws.ToString(ttl.AttributeName) != "expiresAt" {
		d.report.warning("time to live", "off: what has expired stays", "aws dynamodb update-time-to-live --region "+d.stage.Region+
			" --table-name "+name+" --time-to-live-specification Enabled=true,AttributeName=expiresAt")
		return
	}
	d.report.ok("time to live", "on expiresAt")
}

// checkStream looks at what makes the mailer send a confirmation at once. Without it the next tick does.
func (d *doctor) checkStream(ctx context.Context, s stack, table *types.TableDescription, change string) {
	stream := table.StreamSpecification
	if stream == nil || !aws.ToBool(stream.StreamEnabled) || stream.StreamViewType != types.StreamViewTypeNewAndOldImages {
		d.report.warning("stream", "off: confirmations wait for the tick, up to a minute", change+
			" --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES\n"+
			"The new stream has a new ARN, which the mailer's trigger has to be changed to.")
		return
	}
	out, err := d.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{EventSourceArn: table.LatestStreamArn})
	if err != nil {
		d.report.unread("stream", err)
		return
	}
	for _, mapping := range out.EventSourceMappings {
		if calls(mapping, s.resources["MailerFunction"]) && aws.ToString(mapping.State) == "Enabled" {
			d.report.ok("stream", "calls the mailer")
			return
		}
	}
	d.report.warning("stream", "does not call the mailer: confirmations wait for the tick, up to a minute",
		"Lambda → Functions → "+s.resources["MailerFunction"]+" → Triggers: enable the table's. If it is gone, see LateMailAlarm in docs/operations.md.")
}

// calls says whether a mapping is to the function, or to a version or an alias of it.
func calls(mapping lambdatypes.EventSourceMappingConfiguration, function string) bool {
	_, name, _ := strings.Cut(aws.ToString(mapping.FunctionArn), ":function:")
	name, _, _ = strings.Cut(name, ":")
	return name == function
}
