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

	"deltag/internal/deltag"
)

// A Client submits a mail to SES. It is no interface, for the reason given at dynamo.Client.
type Client func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)

// requestTimeout bounds one request. SES responds within a second; a delivery that takes longer had better be recorded
// as unknown than be cut off by the end of the function.
const requestTimeout = 20 * time.Second

// NewClient makes a client without the SDK's config loader; see dynamo.NewClient. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) Client {
	o := sesv2.Options{Region: region, Credentials: credentials, HTTPClient: &http.Client{Timeout: requestTimeout}}
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

// Send returns SES's message id, or deltag.ErrThrottled, ErrSendQuotaExceeded, ErrRejected or ErrNotSubmitted. After
// any other error SES may or may not have accepted the message.
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

// mapAPIError maps SES's error codes to the errors of package deltag. Only an error response of SES, or a connection
// that was never made, proves that the message was not accepted.
func mapAPIError(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return mapTransportError(err)
	}
	code, message := api.ErrorCode(), strings.ToLower(api.ErrorMessage())
	switch {
	case strings.Contains(message, "daily message quota"), code == "LimitExceededException":
		return fmt.Errorf("%w: %s", deltag.ErrSendQuotaExceeded, code)
	case code == "TooManyRequestsException", strings.HasPrefix(code, "Throttling"),
		strings.Contains(message, "sending rate exceeded"):
		return fmt.Errorf("%w: %s", deltag.ErrThrottled, code)
	case slices.Contains(setupErrors, code):
		return fmt.Errorf("%w: %s", deltag.ErrNotSubmitted, code)
	case code == "MessageRejected", code == "BadRequestException":
		return fmt.Errorf("%w: %s", deltag.ErrRejected, code)
	}
	return fmt.Errorf("unclear response: %s", code)
}

// setupErrors are about the account, the domain or the credentials, not about the message, which can be sent when they
// are corrected.
var setupErrors = []string{
	"SendingPausedException", "AccountSuspendedException", "MailFromDomainNotVerifiedException", "NotFoundException",
	"AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException",
}

// mapTransportError distinguishes a connection that was never made from one that broke or timed out after it was.
func mapTransportError(err error) error {
	var netErr *net.OpError
	if errors.As(err, &netErr) && netErr.Op == "dial" {
		return fmt.Errorf("%w: %w", deltag.ErrNotSubmitted, err)
	}
	return fmt.Errorf("no response: %w", err)
}
