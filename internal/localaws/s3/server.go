// Package s3 serves S3 from memory. gofakes3 implements the protocol, and this package stores
// the objects and their versions. A handler in front of gofakes3 corrects the responses that
// differ from AWS:
//
//   - PUT with If-Match returns 404 for a missing key, and PUT with If-None-Match: * returns
//     412 for an existing one. Tests can inject 409 and any other error.
//     The same holds for the completion of an upload in parts.
//   - GET and HEAD return 412 if If-Match names another ETag, and HEAD honours the version.
//   - A missing key returns 404 if the caller may list the bucket, else 403.
//   - A PUT stores its tags, and does not inherit the metadata of the previous version.
//   - Deleting the current version makes the previous version current.
//   - Operations that are not supported, such as ACLs, policies and chunked signatures, return
//     501. They never fall through to a PUT of the object.
//
// Every change produces an event in the shape that S3 sends to EventBridge. Signatures are not
// verified: the access key identifies the caller, and policies define its permissions.
package s3

import (
	"crypto/rand"
	"encoding/xml"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// Config configures a server. With the zero Config, everybody may do everything.
type Config struct {
	// Policies holds the permissions of each access key. Other keys are refused with
	// InvalidAccessKeyId. If Policies is nil, everybody may do everything.
	Policies map[string]Policy
	// OnEvent, if set, is called for every change, in order. It is called during the write
	// and must not block.
	OnEvent func(Event)
	// Fault, if set, is called before every request. If it returns a fault, the server sends
	// it and does nothing else.
	Fault func(Request) *Fault
	// now is the clock, or nil for time.Now. Modification times are whole seconds, as on AWS.
	now func() time.Time
}

// Request is a request as seen by [Config.Fault].
type Request struct {
	Method    string // "GET", "PUT", ...
	bucket    string
	Key       string // "" if the request is about the bucket
	action    string // the IAM action, such as "s3:GetObject"
	accessKey string
}

// Fault is an error response.
type Fault struct {
	Status  int    // HTTP status
	Code    string // AWS's error code
	Message string

	etag string // ETag of the object, which a 304 response includes
}

// Conflict returns the response that S3 sends to one of two simultaneous conditional writes.
func Conflict() *Fault {
	return &Fault{Status: http.StatusConflict, Code: "ConditionalRequestConflict",
		Message: "A conflicting conditional operation is currently in progress against this resource. Please try again."}
}

// Server serves the REST protocol of S3 with path-style addresses. It is safe for concurrent
// use.
type Server struct {
	config   Config
	memory   *memory
	protocol http.Handler // gofakes3
	// completing is held while an upload in parts is completed, so that only one of two
	// conditional ones succeeds.
	completing sync.Mutex
}

// New returns a server without buckets.
func New(config Config) *Server {
	if config.now == nil {
		config.now = time.Now
	}

	clock := &wholeSeconds{config.now}
	memory := newMemory(clock.Now, config.OnEvent)
	protocol := gofakes3.New(memory, gofakes3.WithTimeSource(clock), gofakes3.WithTimeSkewLimit(0))

	return &Server{config: config, memory: memory, protocol: protocol.Server()}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, fault := parse(r)
	if fault == nil && s.config.Fault != nil {
		fault = s.config.Fault(call.Request)
	}
	if fault == nil {
		fault = s.authorize(call)
	}
	if fault == nil {
		fault = s.checkRead(call)
	}

	switch {
	case fault != nil:
		writeFault(w, r, fault)
	case call.tagging:
		s.serveTagging(w, call)
	case call.upload && call.Method == http.MethodPost && r.Header.Get("If-None-Match") != "":
		s.serveCompletion(w, call)
	default:
		s.protocol.ServeHTTP(w, call.forward())
	}
}

// serveCompletion completes an upload in parts if the key does not exist. gofakes3 ignores the
// condition.
func (s *Server) serveCompletion(w http.ResponseWriter, call *call) {
	s.completing.Lock()
	defer s.completing.Unlock()
	if found := s.memory.find(call.bucket, call.Key, ""); found != nil && !found.marker {
		writeFault(w, call.http, &Fault{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
			Message: "At least one of the pre-conditions you specified did not hold"})
		return
	}
	s.protocol.ServeHTTP(w, call.http)
}

// checkRead evaluates If-Match and If-None-Match of reads and hides missing objects from
// callers who may not list the bucket. gofakes3 does neither, or sends headers that describe
// a body with its 304.
func (s *Server) checkRead(call *call) *Fault {
	isRead := call.Method == http.MethodGet || call.Method == http.MethodHead
	if !isRead || call.Key == "" || call.upload {
		return nil
	}

	found := s.memory.find(call.bucket, call.Key, call.version)
	if found == nil || found.marker {
		if !s.allowed(call.accessKey, "s3:ListBucket", call.bucket, call.Key) {
			return accessDenied()
		}
		return nil // gofakes3 chooses the kind of 404
	}

	match, noneMatch := call.http.Header.Get("If-Match"), call.http.Header.Get("If-None-Match")
	switch {
	case match != "" && !found.hasETag(match):
		return &Fault{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
			Message: "At least one of the pre-conditions you specified did not hold"}
	case noneMatch != "" && found.hasETag(noneMatch):
		return &Fault{Status: http.StatusNotModified, etag: found.etag}
	}
	return nil
}

// hasETag reports whether the ETag in a condition is that of this version.
func (v *version) hasETag(etag string) bool { return etag == "*" || strings.Trim(etag, `"`) == v.etag }

func accessDenied() *Fault {
	return &Fault{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}
}

func malformed() *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "MalformedXML",
		Message: "The XML you provided was not well-formed."}
}

func writeFault(w http.ResponseWriter, r *http.Request, fault *Fault) {
	w.Header().Set("X-Amz-Request-Id", rand.Text())
	if fault.etag != "" {
		w.Header().Set("ETag", `"`+fault.etag+`"`)
	}
	if r.Method == http.MethodHead || fault.Status == http.StatusNotModified {
		w.WriteHeader(fault.Status)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(fault.Status)
	text, err := xml.Marshal(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: fault.Code, Message: fault.Message})
	if err == nil {
		_, _ = w.Write(append([]byte(xml.Header), text...)) // fails only if the client has disconnected
	}
}

// wholeSeconds is a clock with a resolution of one second, like the modification times of S3.
type wholeSeconds struct{ now func() time.Time }

func (c *wholeSeconds) Now() time.Time                  { return c.now().UTC().Truncate(time.Second) }
func (c *wholeSeconds) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Limits of the service.
const (
	maxTags         = 10
	maxTaggingBytes = 64 << 10
)

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	TagSet  struct {
		Tag []tag
	}
}

type tag struct{ Key, Value string }

// parseTags reads the X-Amz-Tagging header, which has the form of a URL query.
func parseTags(header string) (map[string]string, error) {
	values, err := url.ParseQuery(header)
	if err != nil || len(values) > maxTags {
		return nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidArgument,
			"The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters, at most 10.")
	}
	tags := make(map[string]string, len(values))
	for key := range values {
		tags[key] = values.Get(key)
	}
	return tags, nil
}

// serveTagging answers GetObjectTagging and PutObjectTagging.
func (s *Server) serveTagging(w http.ResponseWriter, c *call) {
	found := s.memory.find(c.bucket, c.Key, c.version)
	if found == nil || found.marker {
		writeFault(w, c.http, &Fault{Status: http.StatusNotFound, Code: "NoSuchKey",
			Message: "The specified key does not exist."})
		return
	}
	if c.Method == http.MethodGet {
		s.writeTags(w, found)
		return
	}

	var in tagging
	body, err := io.ReadAll(io.LimitReader(c.http.Body, maxTaggingBytes))
	if err != nil || xml.Unmarshal(body, &in) != nil || len(in.TagSet.Tag) > maxTags {
		writeFault(w, c.http, malformed())
		return
	}
	tags := map[string]string{}
	for _, tag := range in.TagSet.Tag {
		tags[tag.Key] = tag.Value
	}

	s.memory.mu.Lock()
	found.tags = tags
	s.memory.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}

func (s *Server) writeTags(w http.ResponseWriter, found *version) {
	var out tagging
	s.memory.mu.RLock()
	for _, key := range slices.Sorted(maps.Keys(found.tags)) {
		out.TagSet.Tag = append(out.TagSet.Tag, tag{key, found.tags[key]})
	}
	s.memory.mu.RUnlock()
	text, err := xml.Marshal(out)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(append([]byte(xml.Header), text...)) // fails only if the client has disconnected
}

// Object is the current version of an object.
type Object struct {
	Key  string
	Body []byte // must not be modified
}

// Objects yields the current objects of a bucket whose keys begin with prefix, sorted by key.
// It ignores policies.
func (s *Server) Objects(bucketName, prefix string) iter.Seq[Object] {
	s.memory.mu.RLock()
	defer s.memory.mu.RUnlock()

	var found []Object
	if b := s.memory.buckets[bucketName]; b != nil {
		for _, key := range slices.Sorted(maps.Keys(b.keys)) {
			if current := b.find(key, ""); !current.marker && strings.HasPrefix(key, prefix) {
				found = append(found, Object{Key: key, Body: current.body})
			}
		}
	}
	return slices.Values(found)
}
