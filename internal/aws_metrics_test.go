package internal_test

// awsMetrics are those of AWS's metrics that the alarms watch: by namespace and metric the sets of dimensions that AWS
// publishes it with, sorted.
//   - https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html and …/monitoring-metrics-view.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
//   - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
//   - https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html: the two of the account
var awsMetrics = map[string][]string{
	"AWS/Lambda Errors":                          {"FunctionName", "FunctionName Resource", "ExecutedVersion FunctionName Resource", ""},
	"AWS/ApiGateway 5xx":                         {"ApiId", "ApiId Stage", "ApiId Method Resource Stage"},
	"AWS/SQS ApproximateNumberOfMessagesVisible": {"QueueName"},
	"AWS/SES Reputation.BounceRate":              {""},
	"AWS/SES Reputation.ComplaintRate":           {""},
}
