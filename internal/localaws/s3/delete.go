package s3

import (
	"slices"

	"github.com/johannesboyne/gofakes3"
)

// DeleteObject puts a delete marker on top, or without versioning removes the
// object. Like S3 it makes a marker even for a key that never was.
func (m *memory) DeleteObject(bucketName, key string) (gofakes3.ObjectDeleteResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[bucketName]
	if b == nil {
		return gofakes3.ObjectDeleteResult{}, gofakes3.BucketNotFound(bucketName)
	}
	if !b.versioned {
		if current := b.find(key, ""); current != nil {
			delete(b.keys, key)
			m.announce(b, current, "DeleteObject", deletedForGood)
		}
		return gofakes3.ObjectDeleteResult{}, nil
	}
	marker := &version{key: key, marker: true, modified: m.now()}
	b.add(marker)
	m.announce(b, marker, "DeleteObject", deletedByMarker)
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: gofakes3.VersionID(marker.id)}, nil
}

// DeleteObjectVersion removes a version for good; if it was the current one, the one
// before is current again.
func (m *memory) DeleteObjectVersion(bucketName, key string,
	id gofakes3.VersionID) (gofakes3.ObjectDeleteResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buckets[bucketName]
	if b == nil {
		return gofakes3.ObjectDeleteResult{}, gofakes3.BucketNotFound(bucketName)
	}
	found := b.find(key, string(id))
	if found == nil {
		return gofakes3.ObjectDeleteResult{}, nil
	}
	left := slices.DeleteFunc(slices.Clone(b.keys[key]), func(v *version) bool { return v == found })
	if len(left) == 0 {
		delete(b.keys, key)
	} else {
		b.keys[key] = left
	}
	m.announce(b, found, "DeleteObject", deletedForGood)
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: found.marker, VersionID: id}, nil
}

// DeleteMulti deletes the current versions of keys.
func (m *memory) DeleteMulti(bucketName string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	objects := make([]gofakes3.ObjectID, len(keys))
	for i, key := range keys {
		objects[i].Key = key
	}
	return m.DeleteMultiVersions(bucketName, objects...)
}

// DeleteMultiVersions deletes objects, or the versions that are named.
func (m *memory) DeleteMultiVersions(bucketName string,
	objects ...gofakes3.ObjectID) (gofakes3.MultiDeleteResult, error) {
	var result gofakes3.MultiDeleteResult
	for _, object := range objects {
		var err error
		if object.VersionID == "" {
			_, err = m.DeleteObject(bucketName, object.Key)
		} else {
			_, err = m.DeleteObjectVersion(bucketName, object.Key, gofakes3.VersionID(object.VersionID))
		}
		if err != nil {
			return result, err
		}
		result.Deleted = append(result.Deleted, object)
	}
	return result, nil
}
