package settings

// Folders of the list bucket. The importer uses them, and so do the rules and policies of a
// deployment.
const (
	BlockPrefix    = "feeds/"    // feeds/<feed id>/<any name>: what users upload
	AllowPrefix    = "allow/"    // allow/<feed id>/<any name>: what users upload
	GuardPrefix    = "guards/"   // guards/{protected,shared,top}/<any name>: what users upload for the guards
	AcceptedPrefix = "accepted/" // accepted/<feed id>/<version>.<word>: written and deleted by the importer
	ReportPrefix   = "reports/"  // reports/<feed id>/<version>.{json,txt}: written by the importer
)

// IndexPrefix is the folder of the index bucket that contains all its objects.
const IndexPrefix = "index/"

// BackfillPrefix is the folder of the output bucket that contains the manifests and the results
// of backfills.
const BackfillPrefix = "backfill/"

// Keys of the table that holds the entries of the lists, and the attribute with the time at which
// DynamoDB deletes a row.
const (
	TablePartitionKey = "name"
	TableSortKey      = "entry"
	TableTTL          = "expires_at"
)
