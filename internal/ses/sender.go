// Package ses hands mail to Amazon SES.
package ses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"deltag/internal/deltag"
)

// A Client is what the sender calls of SES.
type Client interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// A Sender hands messages to SES, each once: SES knows no idempotency token, so a retry of the SDK's own
// could send a mail twice.
type Sender struct {
	Client           Client
	From             string // MAIL_FROM
	ConfigurationSet string // whose events feed the ledger; "" for none
}

// Send returns SES's message id, or deltag.ErrThrottled, ErrQuota, ErrRejected or ErrNotHandedOver. Any other
// error means that the message may have been accepted.
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
	out, err := s.Client.SendEmail(ctx, in, withoutRetries)
	if err != nil {
		return "", mapAPIError(err)
	}
	return aws.ToString(out.MessageId), nil
}

// withoutRetries switches the SDK's retries off.
func withoutRetries(o *sesv2.Options) { o.Retryer = aws.NopRetryer{} }

func tag(name, value string) types.MessageTag {
	return types.MessageTag{Name: &name, Value: &value}
}

// mapAPIError sorts SES's refusals by what is to be done about them. Only an answer of SES's, or a connection that was never
// made, tells that the message was not accepted.
func mapAPIError(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return mapTransportError(err)
	}
	message := strings.ToLower(api.ErrorMessage())
	switch code := api.ErrorCode(); {
	case strings.Contains(message, "daily message quota"), code == "LimitExceededException":
		return fmt.Errorf("%w: %s", deltag.ErrSendQuotaExceeded, code)
	case code == "TooManyRequestsException", strings.HasPrefix(code, "Throttling"), strings.Contains(message, "sending rate exceeded"):
		return fmt.Errorf("%w: %s", deltag.ErrThrottled, code)
	case code == "SendingPausedException", code == "AccountSuspendedException",
		code == "MailFromDomainNotVerifiedException", code == "NotFoundException", code == "AccessDeniedException",
		code == "ExpiredTokenException", code == "UnrecognizedClientException":
		// The set-up is at fault, not the message: it goes out once that is mended.
		return fmt.Errorf("%w: %s", deltag.ErrNotSubmitted, code)
	case code == "MessageRejected", code == "BadRequestException":
		return fmt.Errorf("%w: %s", deltag.ErrRejected, code)
	}
	return fmt.Errorf("no clear answer: %s", api.ErrorCode())
}

// mapTransportError tells a connection that was never made from one that broke with the message on its way.
func mapTransportError(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return fmt.Errorf("%w: %w", deltag.ErrNotSubmitted, err)
	}
	return fmt.Errorf("no answer: %w", err)
}
