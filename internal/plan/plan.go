package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Volume is what a deployment handles in a month.
type Volume struct {
	Queries float64 // logged queries
	Names   float64 // names on all lists together
	HitRate float64 // share of the queries that are malicious
}

// DefaultHitRate is the share of malicious queries if nobody knows it: one in 10,000.
const DefaultHitRate = 1e-4

// Line is the cost of a part.
type Line struct {
	Part       string  `json:"part"`
	On         bool    `json:"on"`
	USD        float64 `json:"usd"` // a month
	Arithmetic string  `json:"arithmetic"`
	// UpTo is set if the cost is the most that the part can cost.
	UpTo bool `json:"up_to"`
	// Unconfirmed is set if a price is from memory.
	Unconfirmed bool `json:"unconfirmed"`
}

// Estimates for one query. `make bench` measures the time of a mark; this is the share of a CPU that
// 256 MiB get.
const (
	recordBytes    = 500  // a log record
	markedBytes    = 75   // a marked record in gzip
	batchRecords   = 2000 // records of an invocation of the transformer
	markSeconds    = 9.7e-6
	markGB         = 0.25 // memory of the transformer
	objectBytes    = 5 << 20
	firstTierGiB   = 10_000 // of delivered logs; more is cheaper
	firehoseRecord = 5 << 10
	days           = 30
	hours          = 24 * days
	million        = 1e6
	gb             = 1e9
	gib            = 1 << 30
	tb             = 1e12
)

// CloudWatch bills these by the piece. A test compares metricCount with the code.
const (
	// metricCount is how many metrics the functions of a stack with few feeds write.
	metricCount = 80
	// alarmCount is how many metrics the alarms of a stack watch.
	alarmCount = 45
)

// New returns the cost of all parts, each on or off by default.
func New(v Volume) []Line {
	lines := slices.Concat(v.pipeline(), v.hunts(), v.alerts(), v.monitoring())
	for i := range lines {
		lines[i].USD = math.Round(lines[i].USD*100) / 100
	}
	return lines
}

// Total returns the sum of the lines that are on.
func Total(lines []Line) (usd float64) {
	for _, line := range lines {
		if line.On {
			usd += line.USD
		}
	}
	return math.Round(usd*100) / 100
}

// Switch turns parts on or off. A part is named by itself, or by the word before its slash, such
// as "hunts". It reports whether the part exists.
func Switch(lines []Line, part string, on bool) (found bool) {
	for i := range lines {
		group, _, _ := strings.Cut(lines[i].Part, "/")
		if part == lines[i].Part || part == group {
			lines[i].On, found = on, true
		}
	}
	return found
}

// UseS3 turns on the lines of the source S3 and turns off those of Firehose.
func UseS3(lines []Line) {
	Switch(lines, "pipeline/s3Source", true)
	Switch(lines, "pipeline/firehose", false)
	Switch(lines, "pipeline/marking", false)
}

// pipeline returns the cost of logging, marking and keeping the logs.
func (v Volume) pipeline() []Line {
	delivered := v.Queries * recordBytes / gib
	rounded := v.Queries * firehoseRecord / gib
	batches := v.Queries / batchRecords
	kept := v.Queries * markedBytes / gb
	objects := v.Queries * recordBytes / objectBytes
	writes := v.Names * 0.01 * days
	return []Line{
		{
			Part: "pipeline/delivery", On: true, USD: delivered * vendedLogs.usd, UpTo: delivered > firstTierGiB,
			Arithmetic: fmt.Sprintf("%s GiB at %v", Number(delivered), vendedLogs.usd),
		},
		{
			Part: "pipeline/firehose", On: true, USD: rounded * firehose.usd, UpTo: true,
			Arithmetic: fmt.Sprintf("%s GiB at %v, if records are rounded up to 5 KB", Number(rounded), firehose.usd),
		},
		line("pipeline/marking", true, batches/million*lambdaCall.usd+v.Queries*markSeconds*markGB*lambdaTime.usd,
			"%s batches at %v a million, and %s s of 256 MiB", Number(batches), lambdaCall.usd, Number(v.Queries*markSeconds)),
		line("pipeline/objects", true, objects/million*s3Put.usd+kept*s3Storage.usd,
			"%s PUT requests, and %s GB for a month", Number(objects), Number(kept)),
		v.s3Source(),
		line("pipeline/lists", true, writes/million*tableWrite.usd,
			"1 %% of the names change a day: %s writes", Number(writes)),
	}
}

// objectsADay is how many log objects Resolver writes to S3 for a VPC at least: one in five minutes.
const objectsADay = 288

// s3Source returns what marking costs if the logs come from S3: the requests for the objects of one
// VPC, the marker, and a month of storage of the objects that Resolver writes.
func (v Volume) s3Source() Line {
	packed := v.Queries * markedBytes
	const objects = objectsADay * days
	seconds := v.Queries * markerSeconds
	usd := objects*(s3Put.usd+s3Get.usd+lambdaCall.usd)/million + seconds*markerGB*lambdaTime.usd + packed/gb*s3Storage.usd
	return line("pipeline/s3Source", false, usd,
		"in the place of Firehose: %s objects of one VPC, %s s of %v MiB, %s GB kept for a month",
		Number(objects), Number(seconds), markerMiB, Number(packed/gb))
}

// hunt is a scheduled query.
type hunt struct {
	query string
	on    bool
	runs  float64 // a month
	// lookBack is the period of the query.
	lookBack time.Duration
}

// scheduledHunts returns the scheduled queries with their defaults.
func scheduledHunts() []hunt {
	f := settings.Default[settings.HunterFunction]()
	lookBack, retro := f.LookBack.Std(), f.RetroLookBack.Std()
	return []hunt{
		{settings.QueryRetroHunt, true, days, retro},
		{"coverage", true, days, 7 * 24 * time.Hour},
		{"tunnels", true, hours, lookBack},
		{"nxdomain-domains", true, days, lookBack},
		{"malicious-hosts", false, hours, lookBack},
		{"first-seen", false, days, 31 * 24 * time.Hour},
		{"beacons", false, days, lookBack},
		{"own-resolvers", false, days, lookBack},
	}
}

// minScan is what Athena bills for a query at least.
const minScan = 10 << 20

// partitionDays returns how many days of logs a query reads. Partitions are days, and queries read
// one more before the period, because a log can arrive late. The first day of a period begins half
// a day before it, on average.
func partitionDays(lookBack time.Duration) float64 { return lookBack.Hours()/24 + 1.5 }

func (v Volume) hunts() (lines []Line) {
	for _, h := range scheduledHunts() {
		read := partitionDays(h.lookBack)
		scanned := max(v.Queries*markedBytes/days*read, minScan)
		lines = append(lines, line("hunts/"+h.query, h.on, scanned*h.runs/tb*athenaScan.usd,
			"%s runs of %s GB, %.1f days of logs", Number(h.runs), Number(scanned/gb), read))
	}
	return lines
}

// Estimates of alerts. The notifier sends at most capped single events in five minutes.
const (
	capped = 100
	slots  = hours * 12
)

func (v Volume) alerts() []Line {
	// One message an invocation at most, and a message is sent, received and deleted.
	requests := max(0, 3*v.Queries/batchRecords-million)
	rows := v.Queries * v.HitRate
	told := min(rows, capped*slots)
	return []Line{
		{
			Part: "alerts/queue", On: true, USD: requests / million * queueRequests.usd, UpTo: true, Unconfirmed: !queueRequests.confirmed,
			Arithmetic: fmt.Sprintf("%s requests after the first million, if every batch has a match", Number(requests)),
		},
		line("alerts/table", true, 2*rows/million*tableWrite.usd,
			"%s queries match: %s rows, two writes each", share(v.HitRate), Number(rows)),
		{
			Part: "alerts/events", On: true, USD: told / million * busEvents.usd, UpTo: true, Unconfirmed: !busEvents.confirmed,
			Arithmetic: fmt.Sprintf("%s events; a storm has %d in five minutes", Number(told), capped),
		},
		{
			Part: "alerts/emails", On: true, USD: max(0, min(rows, 4*hours*60)-1000) / 1e5 * emails.usd, UpTo: true, Unconfirmed: !emails.confirmed,
			Arithmetic: fmt.Sprintf("%s notices to one address, four a minute at most", Number(min(rows, 4*hours*60))),
		},
		{
			Part: "alerts/securityHub", USD: max(0, rows-1e4) / million * findings.usd, UpTo: true, Unconfirmed: !findings.confirmed,
			Arithmetic: fmt.Sprintf("%s findings, the first 10,000 are free", Number(rows)),
		},
	}
}

func (v Volume) monitoring() []Line {
	const bytesPerBatch = 1500 // of metrics and log lines
	logged := v.Queries / batchRecords * bytesPerBatch / gb
	return []Line{
		line("monitoring/metrics", true, metricCount*metrics.usd, "%d metrics at %v, and one for each feed", metricCount, metrics.usd),
		{
			Part: "monitoring/alarms", On: true, USD: alarmCount * alarms.usd, Unconfirmed: !alarms.confirmed,
			Arithmetic: fmt.Sprintf("%d metrics at %v", alarmCount, alarms.usd),
		},
		{
			Part: "monitoring/dashboard", On: true, USD: dashboards.usd, UpTo: true, Unconfirmed: !dashboards.confirmed,
			Arithmetic: "one, unless it is among the first three of the account",
		},
		{
			Part: "monitoring/logs", On: true, USD: logged * logIngestion.usd, Unconfirmed: !logIngestion.confirmed,
			Arithmetic: fmt.Sprintf("%s GB of metrics and messages at %v", Number(logged), logIngestion.usd),
		},
		line("monitoring/key", false, customerKey.usd, "one customer key, without its requests"),
	}
}

// line returns a line whose prices were read on price pages.
func line(part string, on bool, usd float64, arithmetic string, args ...any) Line {
	return Line{Part: part, On: on, USD: usd, Arithmetic: fmt.Sprintf(arithmetic, args...)}
}

// share formats a share for people.
func share(part float64) string {
	if part <= 0 || part >= 0.1 {
		return fmt.Sprintf("%.4g %% of the", 100*part)
	}
	return fmt.Sprintf("1 in %s", Number(math.Round(1/part)))
}

// Number formats an amount for people: with two digits if it is small, else whole and with commas.
func Number(n float64) string {
	if n < 10 && n != math.Trunc(n) {
		return fmt.Sprintf("%.2f", n)
	}
	digits := fmt.Sprintf("%.0f", n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
