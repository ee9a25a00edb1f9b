package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// A FeedbackFunc is the function that EventBridge delivers SES's events to.
type FeedbackFunc func(context.Context, json.RawMessage) error

// RunPublisher publishes the Send event of each accepted mail to feedback, until ctx is done. As with EventBridge, each
// event comes at least once, also for mails that were accepted before a crash.
func (s *SESServer) RunPublisher(ctx context.Context, feedback FeedbackFunc) {
	const firstBackoff, maxBackoff = time.Second, time.Minute
	backoff := firstBackoff
	for {
		var retry <-chan time.Time
		if err := s.PublishSendEvents(ctx, feedback); err != nil {
			slog.Error("SES events not published", "error", err)
			retry = time.After(backoff)
			backoff = min(2*backoff, maxBackoff)
		} else {
			backoff = firstBackoff
		}
		select {
		case <-ctx.Done():
			return
		case <-s.accepted:
		case <-retry:
		}
	}
}

// PublishSendEvents publishes the Send events that are not published yet. One failure does not stop the others.
func (s *SESServer) PublishSendEvents(ctx context.Context, feedback FeedbackFunc) error {
	files, err := s.unpublishedFiles()
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, s.publishSendEvent(ctx, file, feedback))
	}
	return errors.Join(errs...)
}

func (s *SESServer) publishSendEvent(ctx context.Context, file string, feedback FeedbackFunc) error {
	m, err := readMailFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if err := publish(ctx, m, sendEvent, s.now(), feedback); err != nil {
		return fmt.Errorf("mail %s: %w", m.ID, err)
	}
	return s.markPublished(m)
}

// publishFeedback publishes another event about a mail: one of feedbackEvents.
func (s *SESServer) publishFeedback(ctx context.Context, id, name string, feedback FeedbackFunc) error {
	m, err := s.stored(id)
	if err != nil {
		return err
	}
	return publish(ctx, m, feedbackEvents[name], s.now(), feedback)
}

func publish(ctx context.Context, m storedMail, kind eventKind, now time.Time, feedback FeedbackFunc) error {
	event, err := m.event(kind, now)
	if err != nil {
		return err
	}
	return feedback(ctx, event)
}

// An eventKind is a type of event that SES sends to EventBridge.
type eventKind struct {
	eventType  string
	detailType string
	member     string // the field of detail that is special to this type
	details    func(m storedMail, now time.Time) any
}

var sendEvent = eventKind{"Send", "Email Sent", "send", func(storedMail, time.Time) any { return struct{}{} }}

// feedbackEvents are those that POST /local/feedback can ask for.
var feedbackEvents = map[string]eventKind{
	"bounce": {"Bounce", "Email Bounced", "bounce", func(m storedMail, now time.Time) any {
		return map[string]any{
			"bounceType": "Permanent", "bounceSubType": "General", "timestamp": formatSESTime(now), "feedbackId": m.ID,
			"bouncedRecipients": recipients(m, map[string]string{
				"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown",
			}),
			"reportingMTA": "dns; localhost",
		}
	}},
	"complaint": {"Complaint", "Email Complaint Received", "complaint", func(m storedMail, now time.Time) any {
		return map[string]any{
			"complainedRecipients": recipients(m, nil), "complaintSubType": nil, "complaintFeedbackType": "abuse",
			"timestamp": formatSESTime(now), "arrivalDate": formatSESTime(now), "feedbackId": m.ID,
			"userAgent": "Local",
		}
	}},
	"delivery": {"Delivery", "Email Delivered", "delivery", func(m storedMail, now time.Time) any {
		return map[string]any{
			"timestamp": formatSESTime(now), "processingTimeMillis": max(now.Sub(m.At).Milliseconds(), 0),
			"recipients": m.To, "smtpResponse": "250 2.6.0 Message received", "reportingMTA": "localhost",
		}
	}},
}

func recipients(m storedMail, details map[string]string) []map[string]string {
	var all []map[string]string
	for _, address := range m.To {
		recipient := map[string]string{"emailAddress": address}
		maps.Copy(recipient, details)
		all = append(all, recipient)
	}
	return all
}

func formatSESTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// event is the event as EventBridge delivers it to a rule's target.
func (m storedMail) event(kind eventKind, now time.Time) (json.RawMessage, error) {
	parsed, err := m.parse()
	if err != nil {
		return nil, err
	}
	const account, region = "000000000000", "local"
	return json.Marshal(map[string]any{
		"version": "0", "id": rand.Text(), "detail-type": kind.detailType, "source": "aws.ses", "account": account,
		"time": now.UTC().Format(time.RFC3339), "region": region,
		"resources": []string{"arn:aws:ses:" + region + ":" + account + ":configuration-set/" + m.ConfigurationSet},
		"detail": map[string]any{
			"eventType": kind.eventType,
			"mail": map[string]any{
				"timestamp": formatSESTime(m.At), "source": m.From, "sendingAccountId": account, "messageId": m.ID,
				"destination": m.To, "headersTruncated": false, "headers": parsed.headerList(),
				"commonHeaders": map[string]any{
					"from": []string{parsed.From}, "to": m.To, "messageId": m.ID, "subject": parsed.Subject,
				},
				"tags": m.Tags,
			},
			kind.member: kind.details(m, now),
		},
	})
}

// headerList is the message's header as SES's events repeat it.
func (m Mail) headerList() []map[string]string {
	var list []map[string]string
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		list = append(list, map[string]string{"name": name, "value": m.Headers[name]})
	}
	return list
}
