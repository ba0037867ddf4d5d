package s3

import (
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// ListBuckets returns all buckets, sorted by name.
func (m *memory) ListBuckets() ([]gofakes3.BucketInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []gofakes3.BucketInfo
	for _, name := range slices.Sorted(maps.Keys(m.buckets)) {
		all = append(all, gofakes3.BucketInfo{Name: name, CreationDate: gofakes3.NewContentTime(m.buckets[name].created)})
	}
	return all, nil
}

// CreateBucket creates an empty bucket without versioning.
func (m *memory) CreateBucket(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[name] != nil {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	m.buckets[name] = &bucket{name: name, created: m.now(), keys: map[string][]*version{}}
	return nil
}

// BucketExists reports whether the bucket exists.
func (m *memory) BucketExists(name string) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.buckets[name] != nil, nil
}

// DeleteBucket removes an empty bucket.
func (m *memory) DeleteBucket(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch b := m.buckets[name]; {
	case b == nil:
		return gofakes3.BucketNotFound(name)
	case len(b.keys) > 0:
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
	}
	delete(m.buckets, name)
	return nil
}

// ForceDeleteBucket fails, because S3 does not have this operation.
func (m *memory) ForceDeleteBucket(string) error { return gofakes3.ErrNotImplemented }

// VersioningConfiguration reports whether the bucket is versioned.
func (m *memory) VersioningConfiguration(name string) (gofakes3.VersioningConfiguration, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b := m.buckets[name]
	if b == nil {
		return gofakes3.VersioningConfiguration{}, gofakes3.BucketNotFound(name)
	}
	if b.versioned {
		return gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}, nil
	}
	return gofakes3.VersioningConfiguration{}, nil
}

// SetVersioningConfiguration turns versioning on. The local S3 cannot suspend it.
func (m *memory) SetVersioningConfiguration(name string, v gofakes3.VersioningConfiguration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[name]
	switch {
	case b == nil:
		return gofakes3.BucketNotFound(name)
	case !v.Enabled() || v.MFADelete.Enabled():
		return gofakes3.ErrNotImplemented
	}
	b.versioned = true
	return nil
}

// ListBucket returns a page of the current objects, sorted by key.
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

// after reports whether key belongs to the pages after marker, which is the last key or the
// last common prefix of the previous page.
func after(key, marker string, prefix *gofakes3.Prefix) bool {
	if marker == "" {
		return true
	}
	inside := prefix.HasDelimiter && strings.HasSuffix(marker, prefix.Delimiter) && strings.HasPrefix(key, marker)
	return key > marker && !inside
}

// ListBucketVersions returns a page of all versions, sorted by key, newest first.
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

// versions yields all versions, sorted by key, newest first, and whether each is the current
// version of its key.
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

// listed returns the version as an entry of a listing.
func (v *version) listed(latest bool) gofakes3.VersionItem {
	modified := gofakes3.NewContentTime(v.modified)
	if v.marker {
		return &gofakes3.DeleteMarker{
			Key: v.key, VersionID: gofakes3.VersionID(v.id), IsLatest: latest, LastModified: modified}
	}

	hash, _ := hex.DecodeString(v.etag) // cannot fail, because put encoded it
	return &gofakes3.Version{
		Key:          v.key,
		VersionID:    gofakes3.VersionID(v.id),
		IsLatest:     latest,
		LastModified: modified,
		Size:         int64(len(v.body)),
		ETag:         gofakes3.FormatETag(hash),
		StorageClass: gofakes3.StorageStandard,
	}
}
