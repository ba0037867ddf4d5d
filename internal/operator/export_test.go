package operator

// ErrNothingPublished is errNothingPublished, for external tests.
var ErrNothingPublished = errNothingPublished
