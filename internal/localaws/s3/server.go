// Package s3 is S3 in memory: gofakes3 speaks the protocol, a versioned store of our
// own keeps the objects, and a handler in front answers as AWS does where gofakes3
// does not:
//
//   - PUT with If-Match of a missing key is 404, with If-None-Match: * of a present
//     one 412; 409 and any other error come on demand;
//   - GET and HEAD with If-Match of another object are 412, and HEAD minds the version;
//   - a missing key is 404 only for who may list the bucket, else 403;
//   - tags given with a PUT are kept, metadata of a previous version is not;
//   - deleting the current version for good brings back the one before;
//   - what is not there (ACLs, policies, chunked signatures) is 501, never a silent
//     PUT of the wrong thing.
//
// Each change is announced in the shape in which S3 tells EventBridge. Signatures
// are not checked: the access key names the caller, and policies say what it may do.
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
	"time"

	"github.com/johannesboyne/gofakes3"
)

// Config says how the server behaves. The zero Config is an S3 where everybody may
// do everything.
type Config struct {
	// Policies says what each access key may do. Nil lets everybody do everything;
	// else a key that is not in it is refused with InvalidAccessKeyId.
	Policies map[string]Policy
	// OnEvent, if set, is told of every change, in the order of the changes. It is
	// called inside the write and must not block.
	OnEvent func(Event)
	// Fault, if set, is asked before every request; what it returns is the answer,
	// and nothing is done. Nil lets the request through.
	Fault func(Request) *Fault
	// Now is the clock; nil is time.Now. Modification times have whole seconds, as
	// in AWS.
	Now func() time.Time
}

// Request is what a [Config] decides on.
type Request struct {
	Method    string // "GET", "PUT"...
	Bucket    string
	Key       string // "" for requests about the bucket
	Action    string // the IAM action, as in "s3:GetObject"
	AccessKey string
}

// Fault is an error answer.
type Fault struct {
	Status  int    // HTTP status
	Code    string // AWS's word for it
	Message string

	etag string // of the object, which 304 tells
}

// Conflict is the answer to the loser of two conditional writes at the same time.
func Conflict() *Fault {
	return &Fault{Status: http.StatusConflict, Code: "ConditionalRequestConflict",
		Message: "A conflicting conditional operation is currently in progress against this resource. Please try again."}
}

// Server serves S3's REST protocol with path-style addresses. It is safe for
// concurrent use.
type Server struct {
	config Config
	memory *memory
	front  http.Handler
}

// New returns a server without buckets.
func New(config Config) *Server {
	if config.Now == nil {
		config.Now = time.Now
	}
	clock := &wholeSeconds{config.Now}
	memory := newMemory(clock.Now, config.OnEvent)
	front := gofakes3.New(memory, gofakes3.WithTimeSource(clock), gofakes3.WithTimeSkewLimit(0))
	return &Server{config: config, memory: memory, front: front.Server()}
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
	default:
		s.front.ServeHTTP(w, call.forward())
	}
}

// checkRead decides what gofakes3 does not, or not without sending what belongs to the
// body: the answers for an object that is not there, and by If-Match and
// If-None-Match.
func (s *Server) checkRead(call *call) *Fault {
	read := call.Method == http.MethodGet || call.Method == http.MethodHead
	if !read || call.Key == "" || call.upload {
		return nil
	}
	found := s.memory.find(call.Bucket, call.Key, call.version)
	if found == nil || found.marker {
		if !s.allowed(call.AccessKey, "s3:ListBucket", call.Bucket, call.Key) {
			return accessDenied()
		}
		return nil // gofakes3 says which 404 it is
	}
	match, noneMatch := call.http.Header.Get("If-Match"), call.http.Header.Get("If-None-Match")
	switch {
	case match != "" && !found.is(match):
		return &Fault{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
			Message: "At least one of the pre-conditions you specified did not hold"}
	case noneMatch != "" && found.is(noneMatch):
		return &Fault{Status: http.StatusNotModified, etag: found.etag}
	}
	return nil
}

// is reports whether a condition of a request means this version.
func (v *version) is(etag string) bool { return etag == "*" || strings.Trim(etag, `"`) == v.etag }

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
		_, _ = w.Write(append([]byte(xml.Header), text...)) // the client went away: nobody is left to tell
	}
}

// wholeSeconds is a clock for gofakes3 that counts seconds, as S3's modification
// times do.
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

// parseTags reads the X-Amz-Tagging header, which is written like a query.
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
	found := s.memory.find(c.Bucket, c.Key, c.version)
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
	_, _ = w.Write(append([]byte(xml.Header), text...)) // the client went away: nobody is left to tell
}

// Object is an object as it is now.
type Object struct {
	Key  string
	Body []byte // not to be changed
}

// Objects yields the current objects of a bucket whose keys begin with prefix, by
// key. It looks past policies: it is for those who own the server, not for callers.
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
