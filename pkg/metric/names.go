package metric

// Names of the transformer's metrics, written once for each invocation.
const (
	Records          = "Records"          // Firehose records
	Dropped          = "Dropped"          // records without a log object
	ProcessingFailed = "ProcessingFailed" // records that Firehose sets aside
	NoRoom           = "NoRoom"           // failed records that did not fit into the response
	ShortenedMarks   = "ShortenedMarks"   // log objects whose threat lost members for want of room

	// These count log objects by verdict. Unknown is the sum of the four after it.
	Malicious         = "Malicious"
	Allowed           = "Allowed"
	Clean             = "Clean"
	AlreadyMarked     = "AlreadyMarked"
	Unknown           = "Unknown"
	UnknownNoIndex    = "UnknownNoIndex"
	UnknownStaleIndex = "UnknownStaleIndex"
	UnknownBadName    = "UnknownBadName"
	UnknownTimeout    = "UnknownTimeout"

	// These count log objects by shape.
	ShapeResolver = "ShapeResolver"
	ShapeOCSF     = "ShapeOCSF"
	ShapeOther    = "ShapeOther"

	Delayed         = "Delayed"         // log objects that Resolver delivered late
	UnreadAnswers   = "UnreadAnswers"   // answers of a checked type that could not be read
	IndexLoadFailed = "IndexLoadFailed" // failed polls for an index
	IndexGeneration = "IndexGeneration" // the generation in use; not written without an index
	IndexAge        = "IndexAge"        // time since the index was last renewed; not written without an index
)

// Names of the transformer's metrics of alerts. They are written by invocations that found
// matches, if alerts are on.
const (
	AlertRows       = "AlertRows"       // hosts and indicators in the messages that were sent
	AlertRowsCut    = "AlertRowsCut"    // more of them, which the messages only count
	AlertSendFailed = "AlertSendFailed" // messages that were lost, all or in part; the records are marked all the same
)

// Names of the importer's metrics, written when it happens.
const (
	ImportAccepted  = "ImportAccepted"  // lists that became a feed's accepted list
	ImportRejected  = "ImportRejected"  // lists that were refused
	ImportFailed    = "ImportFailed"    // runs that ended in an error and are tried again
	ListFetched     = "ListFetched"     // new lists that were fetched
	ListNotModified = "ListNotModified" // fetches of lists that did not change
	FetchDeferred   = "FetchDeferred"   // fetches that the server asked to repeat later
	FetchFailed     = "FetchFailed"     // fetches that failed; the feed keeps its list
	NamesAdded      = "NamesAdded"      // entries that are new in an accepted list
	NamesRemoved    = "NamesRemoved"    // entries that an accepted list no longer has
	NamesChanged    = "NamesChanged"    // entries that stay but differ, for example in their references
	DroppedEntries  = "DroppedEntries"  // entries that were dropped from an accepted list
	TableChanges    = "TableChanges"    // table rows that were written or deleted
	TablesBehind    = "TablesBehind"    // feeds whose table rows are left to a later run
	IndexPublished  = "IndexPublished"  // new generations
	BadTableEdits   = "BadTableEdits"   // manual entries that were left out
	BlocksLeftOut   = "BlocksLeftOut"   // address blocks left out because their feed reaches too far
	FeedMissing     = "FeedMissing"     // feeds that are kept although they have no list
	SnapshotsLost   = "SnapshotsLost"   // accepted lists that are lost or were changed, and are imported again
	IndicatorsStale = "IndicatorsStale" // publishes that could not update the indicators

	// These are written by each publish.
	Generation   = "Generation"   // the generation that serves
	IndexEntries = "IndexEntries" // the entries of all feeds
	IndexBytes   = "IndexBytes"   // the size of the index object
	ListAge      = "ListAge"      // time since a feed had a list, of each feed and of the oldest
	FeedExpired  = "FeedExpired"  // feeds that were left out because they are too old
	// FeedsLeftOut counts the feeds whose accepted lists are left out, because the index could
	// not be used with them.
	FeedsLeftOut   = "FeedsLeftOut"
	FeedsOverLimit = "FeedsOverLimit" // feeds beyond the number that an index can have
	PointerInvalid = "PointerInvalid" // pointers with numbers or times out of range
	// EventSendFailed counts publishes that the event bus was not told about.
	EventSendFailed = "EventSendFailed"
)

// Names of the hunter's metrics, written once for each run of a scheduled query. The first two
// are also written with the dimension `Query`.
const (
	HuntSucceeded    = "HuntSucceeded"    // runs that ended with all rows sent
	HuntFailed       = "HuntFailed"       // runs that did not
	HuntRows         = "HuntRows"         // rows that were sent
	HuntRowsCut      = "HuntRowsCut"      // rows that were not, because the result was too long
	HuntBytesScanned = "HuntBytesScanned" // bytes that Athena bills
)

// Names of the metrics of compaction, which the hunter writes once for each run.
const (
	DaysCompacted    = "DaysCompacted"    // days that were copied
	CompactionFailed = "CompactionFailed" // runs that could not copy a day, or do anything else
	CompactionBehind = "CompactionBehind" // closed days that are not copied, or have newer logs
)

// Names of the notifier's metrics, written once for each batch of messages.
const (
	AlertsSent       = "AlertsSent"       // alerts with an event of their own
	AlertsSuppressed = "AlertsSuppressed" // repeats that were counted and not reported
	AlertsCapped     = "AlertsCapped"     // alerts that are only counted in an event about a storm
	EventsFailed     = "EventsFailed"     // alerts that the table or the bus did not take; they are sent again
	NoticesFailed    = "NoticesFailed"    // notices that the topic did not take; they are sent again
	FindingsImported = "FindingsImported" // findings that Security Hub took
	FindingsFailed   = "FindingsFailed"   // findings that Security Hub did not take
	FindingsCapped   = "FindingsCapped"   // alerts beyond the bound on findings
)

// Names of the marker's metrics. It also writes the transformer's metrics of log objects and of
// the index, under the same names, so that they add up.
const (
	ObjectsMarked   = "ObjectsMarked"   // log objects whose records were marked
	ObjectsSkipped  = "ObjectsSkipped"  // log objects that were marked before
	ObjectsFailed   = "ObjectsFailed"   // log objects and notifications that failed and come again
	ObjectMissing   = "ObjectMissing"   // log objects that were deleted before they were read
	UnreadableLines = "UnreadableLines" // lines that were set aside
	SourceLag       = "SourceLag"       // time from the start of a log object to its marks; the longest of an invocation
)
