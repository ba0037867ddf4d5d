// Package source is the source of the Lambda functions, as files: what the functions
// are built from, and nothing else of this module. An app that imports the constructs
// bundles the functions out of it, wherever its copy of this module lies: in a
// read-only module cache, in a vendor folder, or in a program built with -trimpath.
package source

import "embed"

// Files holds go.mod, go.sum, lambdas/ and pkg/. The tree builds by itself.
//
//go:embed go.mod go.sum lambdas pkg
var Files embed.FS
