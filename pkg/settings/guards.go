package settings

// ListGuards are the thresholds that a deployment can set. The reason in feeds.<feed
// id>.force lets a list pass that a guard refuses.
type ListGuards struct {
	// ShrinkPercent is how much of the accepted list may be missing from a new one, in percent
	// of its entries. A loss of at most 1,000 entries never counts.
	ShrinkPercent float64 `json:"shrinkPercent" default:"20" min:"1" max:"100"`
	// MaxListBytes is the size of the largest list, as it is uploaded or fetched.
	MaxListBytes int64 `json:"maxListBytes" default:"268435456" min:"1"`
	// MaxWideBlocks is how many blocks of /24 or wider, or /48 for IPv6, a list may have. A list of
	// hijacked blocks has fewer than half as many.
	MaxWideBlocks int `json:"maxWideBlocks" default:"4096" min:"1" max:"16777216"`
	ReachBounds
}

// ReachBounds are how much of the public address space block entries may cover, so that a list of
// networks does not mark answers that have nothing to do with each other, however small its blocks
// are. Honest lists of networks cover a few million addresses. The importer refuses a list that
// covers more, and the transformer refuses such an index.
type ReachBounds struct {
	// MaxFeedIPv4 is how many public IPv4 addresses the block entries of one feed may cover. The
	// default is as many as a /8 has.
	MaxFeedIPv4 int64 `json:"maxFeedIPv4" default:"16777216" min:"1" max:"4294967296"`
	// MaxFeedIPv6 is how many public /64 networks of IPv6 the block entries of one feed may cover. The
	// default is as many as 256 blocks of /32 have.
	MaxFeedIPv6 int64 `json:"maxFeedIPv6" default:"1099511627776" min:"1" max:"9007199254740991"`
	// MaxTotalIPv4 is how many public IPv4 addresses the block entries of all feeds may cover
	// together. The default is an eighth of all addresses.
	MaxTotalIPv4 int64 `json:"maxTotalIPv4" default:"536870912" min:"1" max:"4294967296"`
	// MaxTotalIPv6 is how many public /64 networks of IPv6 the block entries of all feeds may cover
	// together.
	MaxTotalIPv6 int64 `json:"maxTotalIPv6" default:"35184372088832" min:"1" max:"9007199254740991"`
}

// Guards are all thresholds for refusing a list. A deployment can set only [ListGuards]; the
// other values hold for all public lists that the thresholds were tried with.
//
// Thresholds that come in pairs must be exceeded together: a percentage alone would refuse
// tiny lists, and a count alone would refuse large ones.
type Guards struct {
	ListGuards
	// MinValidPercent of the entries must be readable, in lists with at least MinValidEntries.
	// Comments, blank lines and kinds of entries that no DNS log can contain do not count.
	MinValidPercent float64 `json:"minValidPercent" default:"95" min:"0" max:"100"`
	MinValidEntries int     `json:"minValidEntries" default:"20" min:"0"`
	// ShrinkEntries is how many entries may be missing whatever ShrinkPercent says.
	ShrinkEntries int `json:"shrinkEntries" default:"1000" min:"0"`
	// GrowthPercent is how much a list may grow, in percent of the accepted list, once it has
	// more than GrowthEntries.
	GrowthPercent float64 `json:"growthPercent" default:"100" min:"0"`
	GrowthEntries int     `json:"growthEntries" default:"10000" min:"0"`
	// SuffixPercent and SuffixEntries are how many public suffixes are dropped before the whole
	// list is refused.
	SuffixPercent float64 `json:"suffixPercent" default:"1" min:"0" max:"100"`
	SuffixEntries int     `json:"suffixEntries" default:"5" min:"0"`
	// ExpectedPercent is how many of the entries that a list says it has must be there. Lists
	// count in different ways, but one that was cut off falls far below.
	ExpectedPercent float64 `json:"expectedPercent" default:"90" min:"0" max:"100"`
	// MaxExpandedBytes limits a list after decompression, and MaxRatio how many times larger
	// decompression makes it.
	MaxExpandedBytes int64 `json:"maxExpandedBytes" default:"1073741824" min:"1"`
	MaxRatio         int64 `json:"maxRatio" default:"100" min:"1"`
	// MaxLineBytes limits a line in every format but JSON. A line is kept in memory.
	MaxLineBytes int `json:"maxLineBytes" default:"4096" min:"1" max:"1048576"`
	// TopListRanks is how many names of the user's top list, if there is one, are protected.
	TopListRanks int `json:"topListRanks" default:"10000" min:"0"`
	// MinPrefixIPv4 and MinPrefixIPv6 are the widest CIDR blocks that a list may contain, in
	// bits.
	MinPrefixIPv4 int `json:"minPrefixIPv4" default:"16" min:"0" max:"32"`
	MinPrefixIPv6 int `json:"minPrefixIPv6" default:"32" min:"0" max:"128"`
}

// DefaultGuards returns the thresholds of a deployment that sets none.
func DefaultGuards() Guards { return Default[Guards]() }

// DecodeGuards reads a JSON object with the thresholds that differ from the defaults. A
// member that is not a threshold is an error.
func DecodeGuards(text []byte) (Guards, error) {
	guards := DefaultGuards()
	err := decodeMembers(text, &guards)
	return guards, err
}
