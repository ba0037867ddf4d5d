package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Policy lists the permissions of a caller. Everything else is denied.
type Policy []Statement

// Statement allows actions on resources, like an Allow statement of an IAM policy. A pattern
// that ends in `*` matches any continuation.
type Statement struct {
	Actions   []string // such as "s3:GetObject"
	Resources []string // "bucket" for actions on a bucket, "bucket/key" for actions on objects
	// Prefixes is the condition s3:prefix of ListBucket and ListBucketVersions, or nil for no
	// condition. The key of a missing object counts as the prefix when the server decides
	// whether the caller may learn that the object does not exist.
	Prefixes []string
}

// FullAccess returns a policy that allows everything.
func FullAccess() Policy {
	return Policy{{Actions: []string{"*"}, Resources: []string{"*"}}}
}

// maxDeleteBytes bounds the body of a DeleteObjects request, which names up to 1,000 keys.
const maxDeleteBytes = 2 << 20

// authorize returns a fault if the policy of the caller does not allow the request.
func (s *Server) authorize(c *call) *Fault {
	if s.config.Policies == nil {
		return nil
	}
	if c.accessKey == "" {
		return accessDenied()
	}
	if _, exists := s.config.Policies[c.accessKey]; !exists {
		return &Fault{Status: http.StatusForbidden, Code: "InvalidAccessKeyId",
			Message: "The AWS Access Key Id you provided does not exist in our records."}
	}

	switch {
	case c.action == "s3:DeleteObject" && c.Key == "":
		return s.authorizeDeletes(c)
	case !s.allowed(c.accessKey, c.action, c.resource(), c.http.URL.Query().Get("prefix")):
		return accessDenied()
	}
	if copied := c.http.Header.Get("X-Amz-Copy-Source"); copied != "" {
		source, err := url.QueryUnescape(strings.TrimPrefix(copied, "/"))
		if err != nil || !s.allowed(c.accessKey, "s3:GetObject", source, "") {
			return accessDenied()
		}
	}
	// An upload in one part, a copy and the start of an upload in parts can have tags.
	if c.http.Header.Get("X-Amz-Tagging") != "" && !s.allowed(c.accessKey, "s3:PutObjectTagging", c.resource(), "") {
		return accessDenied()
	}
	return nil
}

// authorizeDeletes checks every key of a DeleteObjects request. AWS deletes the allowed keys
// and reports the denied ones; here one denied key refuses the whole request.
func (s *Server) authorizeDeletes(c *call) *Fault {
	body, err := io.ReadAll(io.LimitReader(c.http.Body, maxDeleteBytes))
	c.http.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		Object []struct{ Key, VersionId string } //nolint:revive // the protocol's name
	}
	if err != nil || xml.Unmarshal(body, &in) != nil {
		return malformed()
	}

	for _, object := range in.Object {
		action := "s3:DeleteObject"
		if object.VersionId != "" {
			action += "Version"
		}
		if !s.allowed(c.accessKey, action, c.bucket+"/"+object.Key, "") {
			return accessDenied()
		}
	}
	return nil
}

// allowed reports whether the caller may perform action on resource. prefix is the prefix of a
// listing.
func (s *Server) allowed(accessKey, action, resource, prefix string) bool {
	if s.config.Policies == nil {
		return true
	}
	for _, statement := range s.config.Policies[accessKey] {
		if matches(statement.Actions, action) && matches(statement.Resources, resource) &&
			(statement.Prefixes == nil || matches(statement.Prefixes, prefix)) {
			return true
		}
	}
	return false
}

func matches(patterns []string, text string) bool {
	for _, pattern := range patterns {
		stem, open := strings.CutSuffix(pattern, "*")
		if text == pattern || open && strings.HasPrefix(text, stem) {
			return true
		}
	}
	return false
}
