package settings

// Folders of the list bucket. Rules and policies of a deployment name them as the
// importer does.
const (
	BlockPrefix    = "feeds/"    // feeds/<feed id>/<any name>: what users upload
	AllowPrefix    = "allow/"    // allow/<feed id>/<any name>: what users upload
	GuardPrefix    = "guards/"   // guards/{protected,shared,top}/<any name>: what users upload for the guards
	AcceptedPrefix = "accepted/" // accepted/<feed id>/<version>.<word>: written and deleted by the importer
	ReportPrefix   = "reports/"  // reports/<feed id>/<version>.{json,txt}: written by the importer
)

// IndexPrefix is the folder of the index bucket that everything lies in.
const IndexPrefix = "index/"

// Keys of the table that holds the list, and the attribute that ends a row.
const (
	TablePartitionKey = "name"
	TableSortKey      = "entry"
	TableTTL          = "expires_at"
)
