package lambdaevent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"deltag/internal/deltag"
)

// A sesEvent is an SES event as EventBridge delivers it, whole or reduced by the rules in template.yaml. Addresses, and
// the diagnostic texts that quote them, are not read.
type sesEvent struct {
	ID     string    `json:"id"`
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	Detail struct {
		EventType string `json:"eventType"`
		Mail      struct {
			MessageID string              `json:"messageId"`
			Tags      map[string][]string `json:"tags"`
		} `json:"mail"`
		Bounce struct {
			BounceType    string `json:"bounceType"` // Permanent, Transient or Undetermined
			BounceSubType string `json:"bounceSubType"`
		} `json:"bounce"`
		Complaint struct {
			ComplaintFeedbackType string `json:"complaintFeedbackType"` // often missing
		} `json:"complaint"`
	} `json:"detail"`
}

func sesEventType(eventType string) (t deltag.SESEventType, known bool) {
	switch eventType {
	case "Send":
		return deltag.SESSend, true
	case "Delivery":
		return deltag.SESDelivery, true
	case "Bounce":
		return deltag.SESBounce, true
	case "Complaint":
		return deltag.SESComplaint, true
	case "Reject":
		return deltag.SESReject, true
	case "DeliveryDelay":
		return deltag.SESDeliveryDelay, true
	case "Rendering Failure":
		return deltag.SESRenderingFailure, true
	}
	return "", false
}

// SESEventHandler calls handle for each event about a mail of ours. Types that say nothing about a delivery (opened,
// clicked), and others' mail through the same configuration set, are logged and ignored; cmd/doctor reads these lines for
// its test mails. A payload that is no SES event, or lacks what every one has, is an error: then an EventBridge rule is
// wrong.
func SESEventHandler(
	handle func(context.Context, deltag.SESEvent) error,
) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, payload json.RawMessage) error {
		var e sesEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			return fmt.Errorf("SES event: %w", err)
		}
		if err := e.validate(); err != nil {
			return fmt.Errorf("SES event %q: %w", e.ID, err)
		}
		typ, known := sesEventType(e.Detail.EventType)
		tags := e.Detail.Mail.Tags["delivery"]
		if !known || len(tags) == 0 {
			slog.WarnContext(ctx, "SES event is not about a mail of ours",
				"id", e.ID, "type", e.Detail.EventType, "message", e.Detail.Mail.MessageID)
			return nil
		}
		key, generation, err := deltag.ParseMailTag(tags[0])
		if err != nil {
			return fmt.Errorf("SES event %q: %w", e.ID, err)
		}
		attempt := 0
		if tags := e.Detail.Mail.Tags["attempt"]; len(tags) > 0 {
			attempt, _ = strconv.Atoi(tags[0]) // 0 if it is no number: it was not ours
		}
		return handle(ctx, deltag.SESEvent{
			Delivery: key, Generation: generation, Attempt: attempt, Type: typ,
			Permanent: e.Detail.Bounce.BounceType == "Permanent",
			Detail:    e.reason(), MessageID: e.Detail.Mail.MessageID, At: e.Time,
		})
	}
}

func (e sesEvent) validate() error {
	switch {
	case e.Source != "aws.ses":
		return fmt.Errorf("its source is %q", e.Source)
	case e.Detail.EventType == "":
		return errors.New("it has no type")
	case e.Detail.Mail.MessageID == "":
		return errors.New("it names no message")
	case e.Time.IsZero():
		return errors.New("it has no time")
	case e.Detail.EventType == "Bounce" && e.Detail.Bounce.BounceType == "":
		return errors.New("it does not say what kind of bounce")
	}
	return nil
}

// reason is made of SES's own words, such as "bounce-Permanent-General".
func (e sesEvent) reason() deltag.Reason {
	if b := e.Detail.Bounce; b.BounceType != "" {
		return deltag.Reason("bounce-" + b.BounceType + "-" + b.BounceSubType)
	}
	if c := e.Detail.Complaint; c.ComplaintFeedbackType != "" {
		return deltag.Reason("complaint-" + c.ComplaintFeedbackType)
	}
	return ""
}
