// Package emf writes metrics as log lines in CloudWatch's Embedded Metric Format: CloudWatch makes metrics of them, and
// nothing has to be called. The format is specified at
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package emf

import (
	"context"
	"log/slog"
	"time"
)

const (
	// Namespace is that of all our metrics.
	Namespace = "Deltag"
	// Dimension is the only one. It tells deployments and functions apart. Each value of a dimension makes, and costs, one
	// more metric for each name, so there is none for events or people.
	Dimension = "FunctionName"
)

// A Unit is one of CloudWatch's, or None.
type Unit string

const (
	Seconds Unit = "Seconds"
	Count   Unit = "Count"
	// None is of a value that is in the line alone, for searches with Logs Insights. Ten metrics are free, and a further one
	// costs $0.30 a month: https://aws.amazon.com/cloudwatch/pricing/ (2026).
	None Unit = ""
)

// A Metric is one value. Its name and unit are seen by whoever reads the account's metrics and logs.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

type (
	metadata struct {
		Timestamp         int64 // milliseconds since 1970
		CloudWatchMetrics []directive
	}
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	definition struct {
		Name string
		Unit Unit
	}
)

// Log writes one line of all metrics, at most 100, or none if there are none. log's handler must write JSON.
func Log(ctx context.Context, log *slog.Logger, functionName string, now time.Time, metrics []Metric) {
	if len(metrics) == 0 {
		return
	}
	d := directive{Namespace: Namespace, Dimensions: [][]string{{Dimension}}}
	line := []any{slog.String(Dimension, functionName)}
	for _, m := range metrics {
		if m.Unit != None {
			d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
		}
		line = append(line, slog.Float64(m.Name, m.Value))
	}
	if len(d.Metrics) > 0 {
		line = append(line, slog.Any("_aws", metadata{now.UnixMilli(), []directive{d}}))
	}
	log.InfoContext(ctx, "metrics", line...)
}
