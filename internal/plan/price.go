// Package plan computes what a deployment costs a month. The volume of queries and the parts that
// are on go in; a line for each part comes out, with its arithmetic.
//
// The numbers are estimates from list prices. The bill has the real cost.
package plan

// Date and Region are those of the prices.
const (
	Date   = "2026-11-30"
	Region = "us-east-1"
)

// price is a list price in dollars.
type price struct {
	name   string
	unit   string // what the price is for
	usd    float64
	source string
	// confirmed is set if the price was read on the price page or a copy of it. The others are
	// from memory.
	confirmed bool
}

// The prices, in the order of docs/cost.md.
var (
	vendedLogs    = price{"CloudWatch, logs delivered to Firehose or S3", "GB, of the first 10 TB", 0.25, "price calculators", true}
	firehose      = price{"Data Firehose, vended logs", "GB, records rounded up to 5 KB", 0.029, "copy of the price page", true}
	lambdaCall    = price{"Lambda, invocations", "million", 0.20, "price page", true}
	lambdaTime    = price{"Lambda, time on arm64", "GB-second", 0.0000133334, "price page", true}
	s3Put         = price{"S3, PUT requests", "million", 5, "price page", true}
	s3Get         = price{"S3, GET and HEAD requests", "million", 0.40, "price page", true}
	transitions   = price{"Step Functions, state transitions", "thousand", 0.025, "price page", true}
	s3Storage     = price{"S3 Standard, storage", "GB and month", 0.023, "price page", true}
	tableWrite    = price{"DynamoDB, writes on demand", "million", 0.625, "price page", true}
	athenaScan    = price{"Athena, data scanned", "TB, at least 10 MB a query", 5, "price page", true}
	logIngestion  = price{"CloudWatch Logs, ingestion", "GB", 0.50, "from memory", false}
	metrics       = price{"CloudWatch, custom metrics", "metric, of the first 10,000", 0.30, "monitoring documentation", true}
	alarms        = price{"CloudWatch, alarms", "metric in an alarm", 0.10, "from memory", false}
	dashboards    = price{"CloudWatch, dashboards", "dashboard; three of an account are free", 3, "from memory", false}
	queueRequests = price{"SQS, requests", "million, after the first", 0.40, "from memory", false}
	busEvents     = price{"EventBridge, own events", "million", 1, "from memory", false}
	emails        = price{"SNS, e-mails", "100,000, after the first 1,000", 2, "from memory", false}
	findings      = price{"Security Hub CSPM, findings imported", "million, after the first 10,000", 30, "from memory", false}
	customerKey   = price{"KMS, a customer key", "key, without its requests", 1, "price page", true}
)

// allPrices returns the table of prices.
func allPrices() []price {
	return []price{
		vendedLogs, firehose, lambdaCall, lambdaTime, s3Put, s3Get, transitions, s3Storage, tableWrite, athenaScan, logIngestion,
		metrics, alarms, dashboards, queueRequests, busEvents, emails, findings, customerKey,
	}
}
