package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"deltag/internal/deltag"
)

// sesEvent is an event of SES's as EventBridge hands it over. Addresses and diagnostic texts, which quote them, are
// not read.
type sesEvent struct {
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	Detail struct {
		EventType string `json:"eventType"`
		Mail      struct {
			MessageID string              `json:"messageId"`
			Tags      map[string][]string `json:"tags"`
		} `json:"mail"`
		Bounce *struct {
			BounceType    string `json:"bounceType"`
			BounceSubType string `json:"bounceSubType"`
		} `json:"bounce"`
		Complaint *struct {
			ComplaintFeedbackType string `json:"complaintFeedbackType"`
		} `json:"complaint"`
	} `json:"detail"`
}

var reportTypes = map[string]deltag.ReportType{
	"Send": deltag.ReportSend, "Delivery": deltag.ReportDelivery, "Bounce": deltag.ReportBounce,
	"Complaint": deltag.ReportComplaint, "Reject": deltag.ReportReject, "DeliveryDelay": deltag.ReportDelay,
	"Rendering Failure": deltag.ReportRenderingFailure,
}

// SESReport hands on what SES reports about a mail of ours. Events of other mail, and of types that say nothing about
// a delivery, are passed over.
func SESReport(hear func(context.Context, deltag.Report) error) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, payload json.RawMessage) error {
		var e sesEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			return fmt.Errorf("SES event: %w", err)
		}
		typ, known := reportTypes[e.Detail.EventType]
		tags := e.Detail.Mail.Tags["delivery"]
		if e.Source != "aws.ses" || !known || len(tags) != 1 {
			slog.InfoContext(ctx, "not a report on a mail of ours", "source", e.Source, "type", e.Detail.EventType)
			return nil
		}
		key, err := deltag.ParseDeliveryTag(tags[0])
		if err != nil {
			return fmt.Errorf("SES event: %w", err)
		}
		r := deltag.Report{Delivery: key, Type: typ, MessageID: e.Detail.Mail.MessageID, At: e.Time}
		if b := e.Detail.Bounce; b != nil {
			r.Permanent, r.Detail = b.BounceType == "Permanent", deltag.Reason("bounce-"+b.BounceType+"-"+b.BounceSubType)
		}
		if c := e.Detail.Complaint; c != nil {
			r.Detail = deltag.Reason("complaint-" + c.ComplaintFeedbackType)
		}
		return hear(ctx, r)
	}
}
