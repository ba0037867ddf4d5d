package s3

import (
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// ListBucket lists current objects by key, a page at a time.
func (m *memory) ListBucket(name string, prefix *gofakes3.Prefix,
	page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b := m.buckets[name]
	if b == nil {
		return nil, gofakes3.BucketNotFound(name)
	}
	list := gofakes3.NewObjectList()
	count, last := int64(0), ""
	for _, key := range slices.Sorted(maps.Keys(b.keys)) {
		current := b.find(key, "")
		var match gofakes3.PrefixMatch
		if current.marker || !after(key, page.Marker, prefix) || !prefix.Match(key, &match) {
			continue
		}
		if match.CommonPrefix && match.MatchedPart == last {
			continue
		}
		if page.MaxKeys > 0 && count == page.MaxKeys {
			list.IsTruncated, list.NextMarker = true, last
			break
		}
		count++
		if match.CommonPrefix {
			list.AddPrefix(match.MatchedPart)
			last = match.MatchedPart
			continue
		}
		list.Add(&gofakes3.Content{Key: key, LastModified: gofakes3.NewContentTime(current.modified),
			ETag: `"` + current.etag + `"`, Size: int64(len(current.body)), StorageClass: gofakes3.StorageStandard})
		last = key
	}
	return list, nil
}

// after reports whether key belongs to the pages after marker, which is the last key
// or the last common prefix of the page before.
func after(key, marker string, prefix *gofakes3.Prefix) bool {
	if marker == "" {
		return true
	}
	inside := prefix.HasDelimiter && strings.HasSuffix(marker, prefix.Delimiter) && strings.HasPrefix(key, marker)
	return key > marker && !inside
}

// ListBucketVersions lists all versions by key, the newest first, a page at a time.
func (m *memory) ListBucketVersions(name string, prefix *gofakes3.Prefix,
	page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b := m.buckets[name]
	if b == nil {
		return nil, gofakes3.BucketNotFound(name)
	}
	result := gofakes3.NewListBucketVersionsResult(name, prefix, page)
	skipping := page.VersionIDMarker != ""
	var last *version
	for v, latest := range b.versions() {
		var match gofakes3.PrefixMatch
		passed := v.key > page.KeyMarker || v.key == page.KeyMarker && page.VersionIDMarker != "" && !skipping
		if v.key == page.KeyMarker && v.id == string(page.VersionIDMarker) {
			skipping = false
		}
		if !passed || !prefix.Match(v.key, &match) {
			continue
		}
		if match.CommonPrefix {
			result.AddPrefix(match.MatchedPart)
			continue
		}
		if page.MaxKeys > 0 && int64(len(result.Versions)) == page.MaxKeys {
			result.IsTruncated, result.NextKeyMarker, result.NextVersionIDMarker = true, last.key, gofakes3.VersionID(last.id)
			break
		}
		result.Versions = append(result.Versions, v.listed(latest))
		last = v
	}
	return result, nil
}

// versions yields all versions by key, the newest first, and whether each is its
// key's current one.
func (b *bucket) versions() iter.Seq2[*version, bool] {
	return func(yield func(*version, bool) bool) {
		for _, key := range slices.Sorted(maps.Keys(b.keys)) {
			for i, v := range slices.Backward(b.keys[key]) {
				if !yield(v, i == len(b.keys[key])-1) {
					return
				}
			}
		}
	}
}

func (v *version) listed(latest bool) gofakes3.VersionItem {
	modified := gofakes3.NewContentTime(v.modified)
	if v.marker {
		return &gofakes3.DeleteMarker{
			Key: v.key, VersionID: gofakes3.VersionID(v.id), IsLatest: latest, LastModified: modified}
	}
	hash, _ := hex.DecodeString(v.etag) // it was encoded by put
	return &gofakes3.Version{Key: v.key, VersionID: gofakes3.VersionID(v.id), IsLatest: latest, LastModified: modified,
		Size: int64(len(v.body)), ETag: gofakes3.FormatETag(hash), StorageClass: gofakes3.StorageStandard}
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
