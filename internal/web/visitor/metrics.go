package visitor

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"

	"deltag/internal/deltag"
	"deltag/internal/emf"
	"deltag/internal/web"
)

const (
	// MetricSignUps counts the sign-ups that were taken, repeated ones too.
	MetricSignUps = "SignUps"
	// MetricSignUpsLimited counts those that a rate limit has refused.
	MetricSignUpsLimited = "SignUpsLimited"
)

// Metrics are what an operator has to see of sign-ups: how many were taken, and how many a limit has refused. By outcome they
// are in the line alone (emf.None): SignUps.confirmed. The zero value is ready to use.
type Metrics struct {
	mu     sync.Mutex
	counts map[string]int // by the name of the metric
}

// Take returns the metrics since the last call: none if nobody has tried to sign up.
func (m *Metrics) Take() []emf.Metric {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []emf.Metric
	for _, name := range slices.Sorted(maps.Keys(m.counts)) {
		unit := emf.None
		if name == MetricSignUps || name == MetricSignUpsLimited {
			unit = emf.Count
		}
		all = append(all, emf.Metric{Name: name, Unit: unit, Value: float64(m.counts[name])})
	}
	m.counts = nil
	return all
}

// addSignUp counts a sign-up by what became of it. Nothing else is kept of it.
func (m *Metrics) addSignUp(outcome deltag.SignUpOutcome, err error) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]int{}
	}
	total, detail := signUpMetric(outcome, err)
	if total != "" {
		m.counts[total]++
	}
	m.counts[MetricSignUps+"."+detail]++
}

func signUpMetric(outcome deltag.SignUpOutcome, err error) (total, detail string) {
	var invalid deltag.ValidationErrors
	switch answer := web.ErrorFor(err); {
	case err == nil:
		return MetricSignUps, string(outcome)
	case errors.As(err, &invalid):
		return "", "invalid"
	case answer.Status == http.StatusTooManyRequests:
		return MetricSignUpsLimited, "limited"
	case answer.Status >= http.StatusInternalServerError:
		return "", "failed"
	}
	return "", "refused" // closed, full, …
}
