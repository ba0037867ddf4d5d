//go:build e2e

package e2e_test

import "maps"

// wantUsing returns the facts of a deployment that uses existing resources, in addition to
// the defaults: all of these are as their owner created them.
func wantUsing(vpc string) map[string]string {
	want := wantOf(wantDefaults(vpc), "AES256")
	maps.Copy(want, map[string]string{
		"database":          "guest",
		"dead-letter queue": "1209600 s their key",

		"importer RESOLVERWATCH_STACK":    "Guest",
		"importer encryption":             "their key",
		"importer log is kept":            "90 days their key",
		"transformer RESOLVERWATCH_STACK": "Guest",
		"transformer encryption":          "their key",
		"transformer log is kept":         "90 days their key",

		"query log":                "guest to the stream: true",
		"stream encryption":        "CUSTOMER_MANAGED_CMK their key",
		"stream error log is kept": "90 days their key",
		"stream writes with":       "their key",

		"table billing":                "PROVISIONED",
		"table capacity":               "40 60",
		"table deletion protection":    "false",
		"table encryption":             "ENABLED KMS their key",
		"table expiry":                 "DISABLED",
		"table point-in-time recovery": "DISABLED",

		"list bucket encryption":        "AES256",
		"list bucket lifecycle":         "",
		"list bucket tells EventBridge": "false",
		"list bucket versioning":        "",
		"index bucket encryption":       "aws:kms their key",
		"index bucket lifecycle":        "",
		"index bucket versioning":       "",
		"output bucket encryption":      "aws:kms their key",
		"output bucket lifecycle":       "objects 730 days",
		"result bucket encryption":      "aws:kms their key",

		"workgroup":         "Guest ENABLED 107374182400 bytes, enforced: true",
		"workgroup results": "result bucket results/ SSE_KMS their key",
	})
	return want
}

// wantAfterSteps are the facts that change when people do the steps in the outputs.
var wantAfterSteps = map[string]string{
	"list bucket tells EventBridge": "true",
	"list bucket versioning":        "Enabled",
	"table expiry":                  "expires_at ENABLED",
}
