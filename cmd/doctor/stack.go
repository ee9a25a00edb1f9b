package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A stack is what CloudFormation says about a deployment.
type stack struct {
	status     types.StackStatus
	createdAt  time.Time
	parameters map[string]string
	outputs    map[string]string
	resources  map[string]string // physical id by logical id
	alarms     []string          // names
}

func (d *doctor) checkAccount(ctx context.Context) bool {
	out, err := d.identity.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		d.report.lacks("account", "no credentials that AWS takes: "+brief(err), `sign in, for example with "aws sso login" and AWS_PROFILE, `+
			"or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
		return false
	}
	d.report.ok("account", "%s in %s, as %s", aws.ToString(out.Account), d.stage.Region, aws.ToString(out.Arn))
	return true
}

// checkStack is false if there is no stack to look further into.
func (d *doctor) checkStack(ctx context.Context) (stack, bool) {
	s, err := d.describeStack(ctx)
	deploy := "make deploy STAGE=" + d.stage.Name
	switch text := fmt.Sprintf("%s is %s", d.stage.Stack, s.status); {
	case err != nil:
		d.report.unread("stack", err)
		return s, false
	case s.status == "":
		d.report.lacks("stack", d.stage.Stack+" does not exist in "+d.stage.Region, deploy+" makes it.")
		return s, false
	case s.status == types.StackStatusReviewInProgress:
		d.report.lacks("stack", text+": no deployment has begun yet", deploy)
		return s, false
	case isFailedForGood(s.status):
		d.report.lacks("stack", text, d.deleteStack())
		return s, false
	case s.status == types.StackStatusUpdateRollbackFailed:
		d.report.lacks("stack", text+": the last deployment failed, and so did going back",
			"aws cloudformation continue-update-rollback --region "+d.stage.Region+" --stack-name "+d.stage.Stack)
	case s.status == types.StackStatusUpdateRollbackComplete:
		d.report.warning("stack", text+": the last deployment failed, and the version before it runs",
			"CloudFormation's events of the stack say why. Mend it, and "+deploy)
	case strings.HasPrefix(string(s.status), "DELETE"):
		d.report.lacks("stack", text, "wait until it is gone, then "+deploy)
		return s, false
	case strings.HasSuffix(string(s.status), "_IN_PROGRESS"):
		d.report.warning("stack", text, "wait until the deployment is over, and run this again.")
	default:
		d.report.ok("stack", "%s", text)
	}
	if s.resources, s.alarms, err = d.listResources(ctx); err != nil {
		d.report.unread("stack's resources", err)
		return s, false
	}
	return s, true
}

// isFailedForGood says whether a first deployment failed: CloudFormation then only lets one delete the stack.
func isFailedForGood(s types.StackStatus) bool {
	return s == types.StackStatusCreateFailed || s == types.StackStatusRollbackComplete || s == types.StackStatusRollbackFailed
}

func (d *doctor) deleteStack() string {
	return fmt.Sprintf("its first deployment failed: CloudFormation's events say why. Delete what is left of it, then deploy again:\n"+
		".cache/venv/bin/sam delete --no-prompts --region %s --stack-name %s", d.stage.Region, d.stage.Stack)
}

// describeStack has no status if there is no such stack.
func (d *doctor) describeStack(ctx context.Context) (stack, error) {
	out, err := d.cloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &d.stage.Stack})
	if hasCode(err, "ValidationError") && strings.Contains(err.Error(), "does not exist") {
		return stack{}, nil
	}
	if err != nil {
		return stack{}, err
	}
	s := stack{
		status: out.Stacks[0].StackStatus, createdAt: aws.ToTime(out.Stacks[0].CreationTime),
		parameters: map[string]string{}, outputs: map[string]string{},
	}
	for _, p := range out.Stacks[0].Parameters {
		s.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range out.Stacks[0].Outputs {
		s.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return s, nil
}

func (d *doctor) listResources(ctx context.Context) (resources map[string]string, alarms []string, err error) {
	resources = map[string]string{}
	pages := cloudformation.NewListStackResourcesPaginator(d.cloudFormation,
		&cloudformation.ListStackResourcesInput{StackName: &d.stage.Stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range page.StackResourceSummaries {
			resources[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
			if aws.ToString(r.ResourceType) == "AWS::CloudWatch::Alarm" {
				alarms = append(alarms, aws.ToString(r.PhysicalResourceId))
			}
		}
	}
	return resources, alarms, nil
}
