package transformer

// Errors that the external tests check.
var (
	ErrInvalidEvent = errEvent
	ErrWithoutIndex = errNotReady
)
