package local

import (
	"crypto/rand"
	"encoding/json"
	"time"
)

// An eventKind is a type of event that SES hands to EventBridge.
type eventKind struct {
	eventType  string
	detailType string
	member     string // of the detail, with what is special to the kind
	details    func(e storedMail, now time.Time) any
}

var sendEvent = eventKind{"Send", "Email Sent", "send", func(storedMail, time.Time) any { return struct{}{} }}

// reportable are those that POST /local/feedback can ask for, by name.
var reportable = map[string]eventKind{
	"bounce": {"Bounce", "Email Bounced", "bounce", func(e storedMail, now time.Time) any {
		return map[string]any{
			"bounceType": "Permanent", "bounceSubType": "General", "timestamp": stamp(now), "feedbackId": e.ID,
			"bouncedRecipients": recipients(e, map[string]string{
				"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown",
			}),
			"reportingMTA": "dns; localhost",
		}
	}},
	"complaint": {"Complaint", "Email Complaint Received", "complaint", func(e storedMail, now time.Time) any {
		return map[string]any{
			"complainedRecipients": recipients(e, nil), "complaintSubType": nil, "complaintFeedbackType": "abuse",
			"timestamp": stamp(now), "arrivalDate": stamp(now), "feedbackId": e.ID, "userAgent": "Local",
		}
	}},
	"delivery": {"Delivery", "Email Delivered", "delivery", func(e storedMail, now time.Time) any {
		return map[string]any{
			"timestamp": stamp(now), "processingTimeMillis": max(now.Sub(e.At).Milliseconds(), 0), "recipients": e.To,
			"smtpResponse": "250 2.6.0 Message received", "reportingMTA": "localhost",
		}
	}},
}

func recipients(e storedMail, more map[string]string) []map[string]string {
	var list []map[string]string
	for _, address := range e.To {
		one := map[string]string{"emailAddress": address}
		for name, v := range more {
			one[name] = v
		}
		list = append(list, one)
	}
	return list
}

// stamp writes times as SES does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// event is what EventBridge would hand to a rule's target.
func (e storedMail) event(kind eventKind, now time.Time) (json.RawMessage, error) {
	m, err := e.mail()
	if err != nil {
		return nil, err
	}
	const account, region = "000000000000", "local"
	return json.Marshal(map[string]any{
		"version": "0", "id": rand.Text(), "detail-type": kind.detailType, "source": "aws.ses", "account": account,
		"time": now.UTC().Format(time.RFC3339), "region": region,
		"resources": []string{"arn:aws:ses:" + region + ":" + account + ":configuration-set/" + e.ConfigurationSet},
		"detail": map[string]any{
			"eventType": kind.eventType,
			"mail": map[string]any{
				"timestamp": stamp(e.At), "source": e.From, "sendingAccountId": account, "messageId": e.ID, "destination": e.To,
				"headersTruncated": false, "headers": m.headerList(),
				"commonHeaders": map[string]any{"from": []string{m.From}, "to": e.To, "messageId": e.ID, "subject": m.Subject},
				"tags":          e.Tags,
			},
			kind.member: kind.details(e, now),
		},
	})
}
