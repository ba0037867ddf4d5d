package fetch

// What the fuzz targets decide on without a server.
var (
	RetryAt = retryAt
	NextHop = nextHop
)

// MaxRetry is exported for the tests.
const MaxRetry = maxRetry

// Clean takes a secret out of a text.
func Clean(secret, text string) string {
	r := newRedactor(secret)
	return r.clean(text)
}
