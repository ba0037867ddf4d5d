package operator

// ErrNothingPublished lets the tests recognize errNothingPublished.
var ErrNothingPublished = errNothingPublished
