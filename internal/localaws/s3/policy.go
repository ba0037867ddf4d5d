package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Policy is what a caller may do: what none of its statements allows is denied.
type Policy []Statement

// Statement allows actions on resources, as an Allow statement of an IAM policy.
// Patterns may end in `*`, for any rest.
type Statement struct {
	Actions   []string // "s3:GetObject"
	Resources []string // "bucket" for actions on a bucket, "bucket/key" for those on objects
	// Prefixes is the condition s3:prefix of ListBucket and ListBucketVersions; nil
	// is no condition. Whether a missing object may be told as such is decided with
	// its key as the prefix.
	Prefixes []string
}

// FullAccess allows everything, as the owner of the account has it.
func FullAccess() Policy {
	return Policy{{Actions: []string{"*"}, Resources: []string{"*"}}}
}

// maxDeleteBytes bounds the list of keys of a DeleteObjects request: 1,000 keys.
const maxDeleteBytes = 2 << 20

// authorize refuses what the caller's policy does not allow.
func (s *Server) authorize(c *call) *Fault {
	if s.config.Policies == nil {
		return nil
	}
	if c.AccessKey == "" {
		return accessDenied()
	}
	if _, exists := s.config.Policies[c.AccessKey]; !exists {
		return &Fault{Status: http.StatusForbidden, Code: "InvalidAccessKeyId",
			Message: "The AWS Access Key Id you provided does not exist in our records."}
	}
	switch {
	case c.Action == "s3:DeleteObject" && c.Key == "":
		return s.authorizeDeletes(c)
	case !s.allowed(c.AccessKey, c.Action, c.resource(), c.http.URL.Query().Get("prefix")):
		return accessDenied()
	case c.http.Header.Get("X-Amz-Copy-Source") != "":
		source, err := url.QueryUnescape(strings.TrimPrefix(c.http.Header.Get("X-Amz-Copy-Source"), "/"))
		if err != nil || !s.allowed(c.AccessKey, "s3:GetObject", source, "") {
			return accessDenied()
		}
	case c.Method == http.MethodPut && c.http.Header.Get("X-Amz-Tagging") != "":
		if !s.allowed(c.AccessKey, "s3:PutObjectTagging", c.resource(), "") {
			return accessDenied()
		}
	}
	return nil
}

// authorizeDeletes reads which keys a DeleteObjects request names. AWS reports a
// denied key beside the deleted ones; here one denied key refuses the request.
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
		if !s.allowed(c.AccessKey, action, c.Bucket+"/"+object.Key, "") {
			return accessDenied()
		}
	}
	return nil
}

// allowed reports whether the caller may do action on resource; prefix is that of a
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
