package s3

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/johannesboyne/gofakes3"
)

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
