package emf

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLog(t *testing.T) {
	now := time.Date(2026, 12, 1, 13, 0, 0, 5e6, time.UTC)
	logged := func(metrics ...Metric) map[string]any {
		t.Helper()
		var out bytes.Buffer
		Log(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), "deltag-mailer", now, metrics)
		if out.Len() == 0 {
			return nil
		}
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
			t.Fatalf("not one line of JSON: %v\n%s", err, out.Bytes())
		}
		return line
	}
	t.Run("OneLineOfAllMetrics", func(t *testing.T) {
		line := logged(Metric{"OldestDueAge", Seconds, 0}, Metric{"MailsSent", Count, 3}, Metric{"MailsSent.again", None, 1})
		for _, own := range []string{"time", "level", "msg"} { // CloudWatch keeps them as they are
			delete(line, own)
		}
		want := map[string]any{
			"_aws": map[string]any{
				"Timestamp": 1796130000005.0,
				"CloudWatchMetrics": []any{map[string]any{
					"Namespace":  "Deltag",
					"Dimensions": []any{[]any{"FunctionName"}},
					"Metrics": []any{
						map[string]any{"Name": "OldestDueAge", "Unit": "Seconds"},
						map[string]any{"Name": "MailsSent", "Unit": "Count"},
					},
				}},
			},
			"FunctionName": "deltag-mailer", "OldestDueAge": 0.0, "MailsSent": 3.0, "MailsSent.again": 1.0,
		}
		if diff := cmp.Diff(want, line); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ALineWithoutMetricsIsNoneForCloudWatch", func(t *testing.T) {
		line := logged(Metric{"SignUps.invalid", None, 1})
		if line["_aws"] != nil || line["SignUps.invalid"] != 1.0 {
			t.Error(line)
		}
	})
	t.Run("NoLineWithoutMetrics", func(t *testing.T) {
		if line := logged(); line != nil {
			t.Error(line)
		}
	})
}
