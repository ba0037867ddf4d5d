package fetch

// Functions that the fuzz targets call without a server.
var (
	RetryAt  = retryAt
	NextHop  = nextHop
	IsPublic = isPublic
)

// MaxRetry is maxRetry.
const MaxRetry = maxRetry

// Clean removes a secret from text.
func Clean(secret, text string) string {
	r := newRedactor(secret)
	return r.clean(text)
}
