package s3

import (
	"maps"
	"slices"

	"github.com/johannesboyne/gofakes3"
)

// ListBuckets returns all buckets by name.
func (m *memory) ListBuckets() ([]gofakes3.BucketInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []gofakes3.BucketInfo
	for _, name := range slices.Sorted(maps.Keys(m.buckets)) {
		all = append(all, gofakes3.BucketInfo{Name: name, CreationDate: gofakes3.NewContentTime(m.buckets[name].created)})
	}
	return all, nil
}

// CreateBucket makes an empty bucket without versioning.
func (m *memory) CreateBucket(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[name] != nil {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	m.buckets[name] = &bucket{name: name, created: m.now(), keys: map[string][]*version{}}
	return nil
}

// BucketExists reports whether there is such a bucket.
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

// ForceDeleteBucket is no operation of S3.
func (m *memory) ForceDeleteBucket(string) error { return gofakes3.ErrNotImplemented }

// VersioningConfiguration says whether the bucket keeps versions.
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

// SetVersioningConfiguration switches versioning on; it cannot be suspended here.
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
