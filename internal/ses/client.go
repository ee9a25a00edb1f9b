package ses

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
)

// answerWithin bounds one hand-over. SES answers within a second; what takes longer is better noted as
// unknown than left to the function's own end.
const answerWithin = 20 * time.Second

// NewClient makes a client without the SDK's config loader; see dynamo.NewClient. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) *sesv2.Client {
	o := sesv2.Options{Region: region, Credentials: credentials, HTTPClient: &http.Client{Timeout: answerWithin}}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return sesv2.New(o)
}
