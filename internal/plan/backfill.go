package plan

import "fmt"

// Estimates of a backfill. `make bench` measures the time of the marker.
const (
	textRatio       = 8      // text of a log object / its bytes in gzip
	textRecordBytes = 450    // a record in that text
	markerSeconds   = 2.5e-6 // a record
	markerMiB       = 1769   // memory of the marker
	markerGB        = markerMiB / 1024.0
	taskTransitions = 4 // states that a task enters
	thousand        = 1_000.0
)

// Backfill returns what marking old log objects costs, once: objects with bytes of gzip together, in
// a number of tasks.
func Backfill(objects, tasks int, bytes int64) Line {
	n := float64(objects)
	requests := n * (s3Put.usd + 2*s3Get.usd) / million // looked for, read, written
	states := float64(tasks) * taskTransitions * transitions.usd / thousand
	seconds := float64(bytes) * textRatio / textRecordBytes * markerSeconds
	compute := seconds*markerGB*lambdaTime.usd + float64(tasks)*lambdaCall.usd/million
	return Line{
		Part: "backfill", On: true, USD: requests + states + compute,
		Arithmetic: fmt.Sprintf("%d objects: S3 requests %.2f, state machine %.2f, functions %.2f", objects, requests, states, compute),
	}
}
