// Package emf writes metrics in the CloudWatch Embedded Metric Format. [Line] turns numbers
// into one line of JSON, and CloudWatch Logs turns the line into metrics, so a function
// needs no other service to publish metrics.
//
// Names of metrics, and names and values of dimensions, must never come from input: each new
// value is a new metric that costs money, and an attacker could create many.
//
// The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package emf

import (
	"encoding/json"
	"time"
)

// Unit is a unit of CloudWatch metrics.
type Unit string

// The units that we use.
const (
	Count   Unit = "Count"
	Seconds Unit = "Seconds"
	Bytes   Unit = "Bytes"
	None    Unit = "None"
)

// Metric is one value of a metric.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// Dimension is a name and a value that distinguish metrics of the same name.
type Dimension struct{ Name, Value string }

// Line returns a line, including the line end, with metrics in a namespace at a point in
// time, all with the same dimensions. If a name is repeated, its last value counts.
// CloudWatch accepts at most 100 metrics and 30 dimensions per line. If a value is not
// finite, the result is nil.
func Line(at time.Time, namespace string, dimensions []Dimension, metrics []Metric) []byte {
	type definition struct {
		Name string
		Unit Unit
	}

	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}

	members := map[string]any{}
	set := directive{Namespace: namespace, Dimensions: [][]string{{}}, Metrics: []definition{}}
	for _, d := range dimensions {
		members[d.Name] = d.Value
		set.Dimensions[0] = append(set.Dimensions[0], d.Name)
	}

	for _, m := range metrics {
		if _, repeated := members[m.Name]; !repeated {
			set.Metrics = append(set.Metrics, definition{m.Name, m.Unit})
		}
		members[m.Name] = m.Value
	}

	members["_aws"] = map[string]any{
		"Timestamp":         at.UnixMilli(),
		"CloudWatchMetrics": []directive{set},
	}

	line, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return append(line, '\n')
}
