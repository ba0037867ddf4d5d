package transformer

// Errors that the external tests check.
var (
	ErrEvent    = errEvent
	ErrNotReady = errNotReady
)
