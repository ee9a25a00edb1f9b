package internal_test

// awsMetrics are those of AWS's metrics that alarms and dashboard show: by namespace and metric the sets of dimensions that
// AWS publishes it with, sorted.
//   - https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html and …/monitoring-metrics-view.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
//   - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
//   - https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html: the two of the account
//   - https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
//   - https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
var awsMetrics = map[string][]string{
	"AWS/Lambda Errors":                          lambdaDimensions,
	"AWS/Lambda Throttles":                       lambdaDimensions,
	"AWS/Lambda Duration":                        lambdaDimensions,
	"AWS/Lambda ConcurrentExecutions":            lambdaDimensions,
	"AWS/Lambda IteratorAge":                     lambdaDimensions,
	"AWS/Lambda AsyncEventsDropped":              lambdaDimensions,
	"AWS/ApiGateway Count":                       apiDimensions,
	"AWS/ApiGateway 4xx":                         apiDimensions,
	"AWS/ApiGateway 5xx":                         apiDimensions,
	"AWS/ApiGateway Latency":                     apiDimensions,
	"AWS/SQS ApproximateNumberOfMessagesVisible": {"QueueName"},
	"AWS/SES Reputation.BounceRate":              {""},
	"AWS/SES Reputation.ComplaintRate":           {""},
	"AWS/Events FailedInvocations":               {"RuleName", "EventBusName RuleName"},
	"AWS/DynamoDB ConsumedReadCapacityUnits":     {"TableName", "GlobalSecondaryIndexName TableName"},
	"AWS/DynamoDB ConsumedWriteCapacityUnits":    {"TableName", "GlobalSecondaryIndexName TableName"},
	"AWS/DynamoDB ReadThrottleEvents":            {"TableName", "GlobalSecondaryIndexName TableName"},
	"AWS/DynamoDB WriteThrottleEvents":           {"TableName", "GlobalSecondaryIndexName TableName"},
	"AWS/DynamoDB TransactionConflict":           {"TableName"},
}

var (
	lambdaDimensions = []string{"FunctionName", "FunctionName Resource", "ExecutedVersion FunctionName Resource", ""}
	apiDimensions    = []string{"ApiId", "ApiId Stage", "ApiId Method Resource Stage"}
)
