// Package ses submits mail to Amazon SES.
package ses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"deltag/internal/deltag"
)

// A Client submits a mail to SES. It is no interface, for the reason given at dynamo.Client.
type Client func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)

// requestTimeout bounds one request. SES responds within a second; a delivery that takes longer had better be recorded
// as unknown than be cut off by the end of the function.
const requestTimeout = 20 * time.Second

// NewHTTPClient makes a client with connections of its own. Whoever may be frozen closes the idle ones before, with
// CloseIdleConnections: a connection that was dropped silently meanwhile looks alive, and a mail that is written to it
// gets no answer.
func NewHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{Timeout: requestTimeout, Transport: transport}
}

// NewClient makes a client without the SDK's config loader; see dynamo.NewClient. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider, client *http.Client) Client {
	o := sesv2.Options{Region: region, Credentials: credentials, HTTPClient: client}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return sesv2.New(o).SendEmail
}

// A Sender submits each message to SES once, without retries: SES has no idempotency token, so a retry could send a
// mail twice.
type Sender struct {
	Client           Client
	From             string // MAIL_FROM
	ConfigurationSet string // that publishes SES's events; "" for none
}

// Send returns SES's message id, or deltag.ErrThrottled, ErrSendQuotaExceeded, ErrRejected, ErrSendingNotAllowed or
// ErrNotSubmitted. After any other error SES may or may not have accepted the message.
func (s *Sender) Send(ctx context.Context, m deltag.OutgoingMail) (string, error) {
	in := &sesv2.SendEmailInput{
		FromEmailAddress: &s.From,
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Raw: &types.RawMessage{Data: m.Raw}},
		EmailTags: []types.MessageTag{
			tag("delivery", m.Tag()), tag("kind", string(m.Delivery.Kind)), tag("attempt", strconv.Itoa(m.Attempt)),
		},
	}
	if s.ConfigurationSet != "" {
		in.ConfigurationSetName = &s.ConfigurationSet
	}
	out, err := s.Client(ctx, in, withoutRetries)
	if err != nil {
		return "", mapAPIError(err)
	}
	return aws.ToString(out.MessageId), nil
}

// withoutRetries turns the SDK's retries off.
func withoutRetries(o *sesv2.Options) { o.Retryer = aws.NopRetryer{} }

func tag(name, value string) types.MessageTag { return types.MessageTag{Name: &name, Value: &value} }

// mapAPIError maps SES's error responses to the errors of package deltag. Only an answer of 4xx, or a connection that
// was never made, proves that the message was not accepted. SES's own texts are left out: they may quote addresses.
func mapAPIError(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return mapTransportError(err)
	}
	status := 0
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	code, message := api.ErrorCode(), strings.ToLower(api.ErrorMessage())
	switch {
	case strings.Contains(message, "daily message quota"):
		return fmt.Errorf("%w: %s", deltag.ErrSendQuotaExceeded, code)
	case code == "TooManyRequestsException", strings.HasPrefix(code, "Throttling"), status == 429,
		strings.Contains(message, "sending rate exceeded"):
		return fmt.Errorf("%w: %s", deltag.ErrThrottled, code)
	case status < 400 || status >= 500 || status == http.StatusRequestTimeout:
		return fmt.Errorf("unclear response: %d %s", status, code)
	case isAboutMessage(code, message, status):
		return fmt.Errorf("%w: %s", deltag.ErrRejected, code)
	}
	return fmt.Errorf("%w: %s", deltag.ErrSendingNotAllowed, code)
}

// isAboutMessage says whether SES's refusal is a verdict on this one message, which it will never take. All other
// refusals are about account, domain, recipient's identity in the sandbox, credentials or configuration.
// MessageRejected is used for both, and only its text tells which.
func isAboutMessage(code, message string, status int) bool {
	switch code {
	case "BadRequestException":
		return true
	case "MessageRejected":
		return !slices.ContainsFunc(accountTexts, func(text string) bool { return strings.Contains(message, text) })
	}
	return status == http.StatusRequestEntityTooLarge
}

// accountTexts are in a MessageRejected that is not about the message: "Email address is not verified. The following
// identities failed the check in region …", "Sending suspended for this account", "Sending paused for this account".
var accountTexts = []string{"not verified", "failed the check", "suspended", "paused"}

// mapTransportError distinguishes a connection that was never made from one that broke or timed out after it was.
func mapTransportError(err error) error {
	var netErr *net.OpError
	if errors.As(err, &netErr) && netErr.Op == "dial" {
		return fmt.Errorf("%w: %w", deltag.ErrNotSubmitted, err)
	}
	return fmt.Errorf("no response: %w", err)
}
