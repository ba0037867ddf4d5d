package settings

// The namespace and the dimension of all metrics in CloudWatch. A few also have the feed or the scheduled
// query as a dimension.
const (
	MetricNamespace      = "Resolverwatch"
	MetricDimensionStack = "Stack"
	MetricDimensionFeed  = "Feed"
	MetricDimensionQuery = "Query"
)

// DefaultStack is the name of the stack if none is set.
const DefaultStack = "Resolverwatch"

// FeedParameter returns the name of the SSM parameter that holds a feed's settings.
func FeedParameter(stack, feed string) string { return "/" + stack + "/feeds/" + feed }
