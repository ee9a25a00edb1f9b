package mailer

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/emf"
)

// MetricOldestDueAge is for how many seconds the mail that has waited longest was overdue, and 0 if none was. Each tick
// that could read the due index has one, so that none is a sign too. A mail that SES did not take counts from when it
// was first due: the index knows the time of its next attempt only.
const MetricOldestDueAge = "OldestDueAge"

// MetricMailsRefused counts attempts at a mail that fail for a reason that holds for all mail, until somebody mends it
// or SES's daily quota frees, and those that are put off to guard the sender's reputation.
const MetricMailsRefused = "MailsRefused"

// mailsSkipped counts mails that were not to be sent. That is nothing to be alarmed about.
const mailsSkipped = "MailsSkipped"

// Metrics are what an operator has to see of an invocation: how late mail is, and how many have which outcome. By kind and
// by cause, and what was skipped, is in the line alone (emf.None). The zero value is ready to use.
type Metrics struct {
	mu       sync.Mutex
	indexed  bool // the due index has been read
	oldest   time.Duration
	outcomes map[string]int
}

// Take returns the metrics since the last call.
func (m *Metrics) Take() []emf.Metric {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []emf.Metric
	if m.indexed {
		all = append(all, emf.Metric{Name: MetricOldestDueAge, Unit: emf.Seconds, Value: m.oldest.Seconds()})
	}
	for _, name := range slices.Sorted(maps.Keys(m.outcomes)) {
		unit := emf.Count
		if name == mailsSkipped || strings.Contains(name, ".") {
			unit = emf.None
		}
		all = append(all, emf.Metric{Name: name, Unit: unit, Value: float64(m.outcomes[name])})
	}
	m.indexed, m.oldest, m.outcomes = false, 0, nil
	return all
}

// addDue takes note of what the due index lists at now.
func (m *Metrics) addDue(tasks []deltag.DueTask, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.indexed = true
	for _, t := range tasks {
		isMail := t.Kind == deltag.TaskDelivery || t.Kind == deltag.TaskMailing
		if isMail && !t.DueAt.IsZero() {
			m.oldest = max(m.oldest, now.Sub(t.DueAt))
		}
	}
}

// addOutcome counts the result of an attempt, as it was stored: MailsFailed, MailsFailed.rejected and
// ByKind.confirmation.MailsFailed.
func (m *Metrics) addOutcome(d deltag.Delivery, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.outcomes == nil {
		m.outcomes = map[string]int{}
	}
	outcome := outcomeMetric(d)
	m.outcomes[outcome]++
	m.outcomes["ByKind."+string(d.Kind)+"."+outcome]++
	if d.Reason != "" {
		m.outcomes[outcome+"."+string(d.Reason)]++
	}
	if d.IsActive() && d.Reason != deltag.ReasonDailyLimit { // which is no delay of ours
		m.oldest = max(m.oldest, now.Sub(d.DueAt))
	}
}

// refusals are the reasons of what MetricMailsRefused counts.
var refusals = []deltag.Reason{deltag.ReasonNotAllowed, deltag.ReasonSendQuota, deltag.ReasonReputation}

func outcomeMetric(d deltag.Delivery) string {
	switch d.Status {
	case deltag.DeliverySkipped:
		return mailsSkipped
	case deltag.DeliveryFailed:
		return "MailsFailed"
	case deltag.DeliveryUnknown:
		return "MailsUnknown"
	case deltag.DeliveryPending:
		if slices.Contains(refusals, d.Reason) {
			return MetricMailsRefused
		}
		return "MailsDelayed"
	}
	return "MailsSent" // an SES event may have said more by now
}
