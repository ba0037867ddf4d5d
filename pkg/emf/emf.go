// Package emf writes metrics in the CloudWatch Embedded Metric Format: numbers go in,
// one JSON line comes out, and CloudWatch Logs makes metrics of it. So a function
// counts without calling another service.
//
// Names of metrics and dimensions are ours, values of dimensions too: nothing that an
// attacker chooses may become one, since each new value is a new metric to pay for.
//
// The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package emf

import (
	"encoding/json"
	"time"
)

// Unit is a unit that CloudWatch knows.
type Unit string

// The units in use.
const (
	Count   Unit = "Count"
	Seconds Unit = "Seconds"
	Bytes   Unit = "Bytes"
	None    Unit = "None"
)

// Metric is one number.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// Dimension is a name and value by which metrics are told apart.
type Dimension struct{ Name, Value string }

// Line returns a line, with its end, that gives metrics at a time under a namespace,
// all with the same dimensions. A name that stands twice counts once, with the last
// value. CloudWatch takes at most 100 metrics and 30 dimensions a line. Where a value
// is not finite there is no line.
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
