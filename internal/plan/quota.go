package plan

// quota is a limit of AWS that a rate of queries can meet. 0 means that large Regions have no
// limit of their own.
type quota struct {
	name  string
	unit  string
	limit float64
	// large is the limit in us-east-1, us-west-2 and eu-west-1, if it differs.
	large float64
	// raise says how a user gets more.
	raise  string
	source string
}

// The quotas, in the order of docs/scale.md.
var (
	streamBytes = quota{
		"Firehose, data into a stream", "MiB/s", 1, 5,
		"a throttled stream grows by itself, slowly; Service Quotas", "Firehose quotas",
	}
	streamRecords = quota{
		"Firehose, records into a stream", "/s", 100_000, 500_000,
		"Service Quotas, together with the data", "Firehose quotas",
	}
	streamRequests = quota{
		"Firehose, requests to a stream", "/s", 1_000, 2_000,
		"Service Quotas, together with the data", "Firehose quotas",
	}
	invocations = quota{
		"Lambda, concurrent invocations of an account", "", 1_000, 0,
		"Service Quotas; a new account can have fewer", "Lambda quotas",
	}
	functionMemory = quota{
		"Lambda, memory of a function", "MiB", 10_240, 0,
		"not possible", "Lambda quotas",
	}
	tableWrites = quota{
		"DynamoDB, writes to a new on-demand table", "/s", 4_000, 0,
		"a table takes twice its highest rate so far; warm throughput", "DynamoDB, on-demand mode",
	}
)

// allQuotas returns the table of quotas.
func allQuotas() []quota {
	return []quota{streamBytes, streamRecords, streamRequests, invocations, functionMemory, tableWrites}
}
