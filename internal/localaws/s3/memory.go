package s3

import (
	"bytes"
	"crypto/md5" //nolint:gosec // an ETag is an MD5 by definition
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/johannesboyne/gofakes3"
)

// memory stores buckets and objects. It is the backend of gofakes3.
type memory struct {
	now     func() time.Time
	onEvent func(Event)

	mu       sync.RWMutex
	buckets  map[string]*bucket
	sequence uint64 // number of events so far
}

type bucket struct {
	name      string
	created   time.Time
	versioned bool
	keys      map[string][]*version // versions of each key, oldest first; never empty
}

// version is one version of an object, or a delete marker. Only its tags can change.
type version struct {
	id       string // "" in a bucket without versioning
	key      string
	body     []byte
	etag     string // without quotes
	metadata map[string]string
	tags     map[string]string
	modified time.Time
	marker   bool
}

func newMemory(now func() time.Time, onEvent func(Event)) *memory {
	return &memory{now: now, onEvent: onEvent, buckets: map[string]*bucket{}}
}

// find returns the version of an object with this id, or the current version if id is "". It
// returns nil if there is none.
func (m *memory) find(bucketName, key, id string) *version {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if b := m.buckets[bucketName]; b != nil {
		return b.find(key, id)
	}
	return nil
}

func (b *bucket) find(key, id string) *version {
	versions := b.keys[key]
	for _, v := range slices.Backward(versions) {
		if id == "" || v.id == id {
			return v
		}
	}
	return nil
}

// PutObject stores a new version if the conditions hold.
func (m *memory) PutObject(bucketName, key string, metadata map[string]string, input io.Reader, size int64,
	conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	body, err := gofakes3.ReadAll(input, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	return m.put(bucketName, key, metadata, body, conditions, "PutObject")
}

func (m *memory) put(bucketName, key string, metadata map[string]string, body []byte,
	conditions *gofakes3.PutConditions, reason string) (gofakes3.PutObjectResult, error) {
	tags, err := parseTags(metadata["X-Amz-Tagging"])
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}

	if wanted := metadata[checksumHeader]; wanted != "" && wanted != checksum(body) {
		return gofakes3.PutObjectResult{}, gofakes3.ErrorMessage(gofakes3.ErrBadDigest,
			"The CRC32 you specified did not match the calculated checksum.")
	}
	sum := md5.Sum(body) //nolint:gosec // as above

	m.mu.Lock()
	defer m.mu.Unlock()

	b := m.buckets[bucketName]
	if b == nil {
		return gofakes3.PutObjectResult{}, gofakes3.BucketNotFound(bucketName)
	}
	if err := check(conditions, b.find(key, ""), key); err != nil {
		return gofakes3.PutObjectResult{}, err
	}

	v := &version{
		key:      key,
		body:     body,
		etag:     hex.EncodeToString(sum[:]),
		metadata: storedHeaders(metadata),
		tags:     tags,
		modified: m.now(),
	}
	b.add(v)
	m.emit(b, v, reason, "")

	return gofakes3.PutObjectResult{VersionID: gofakes3.VersionID(v.id)}, nil
}

// check applies the conditions of a PUT to the current version.
func check(conditions *gofakes3.PutConditions, current *version, key string) error {
	if conditions == nil {
		return nil
	}
	exists := current != nil && !current.marker
	failed := gofakes3.ErrorMessage(gofakes3.ErrPreconditionFailed,
		"At least one of the pre-conditions you specified did not hold")
	switch wanted := conditions.IfMatch; {
	case conditions.IfNoneMatch != nil && exists:
		return failed
	case wanted == nil:
		return nil
	case !exists:
		return gofakes3.KeyNotFound(key)
	case strings.Trim(*wanted, `"`) != current.etag:
		return failed
	}
	return nil
}

// storedHeaders returns the headers of a PUT that are stored with the object.
func storedHeaders(headers map[string]string) map[string]string {
	metadata := maps.Clone(headers)
	maps.DeleteFunc(metadata, func(name, _ string) bool {
		return strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") && name != checksumHeader
	})
	return metadata
}

// checksumHeader is the checksum that SDKs send by default and verify when they read. Other
// checksums are not stored.
const checksumHeader = "X-Amz-Checksum-Crc32"

// checksum returns the value of checksumHeader for a body.
func checksum(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

// add makes v the current version of its key.
func (b *bucket) add(v *version) {
	if !b.versioned {
		b.keys[v.key] = []*version{v}
		return
	}
	v.id = rand.Text()
	b.keys[v.key] = append(b.keys[v.key], v)
}

// GetObject returns the current version, which can be a delete marker.
func (m *memory) GetObject(bucketName, key string, span *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return m.GetObjectVersion(bucketName, key, "", span)
}

// HeadObject returns the current version without its body.
func (m *memory) HeadObject(bucketName, key string) (*gofakes3.Object, error) {
	return m.HeadObjectVersion(bucketName, key, "")
}

// HeadObjectVersion returns a version without its body.
func (m *memory) HeadObjectVersion(bucketName, key string, id gofakes3.VersionID) (*gofakes3.Object, error) {
	object, err := m.GetObjectVersion(bucketName, key, id, nil)
	if err != nil {
		return nil, err
	}
	object.Contents = io.NopCloser(strings.NewReader(""))
	return object, nil
}

// GetObjectVersion returns a version, or the part of it that span selects.
func (m *memory) GetObjectVersion(bucketName, key string, id gofakes3.VersionID,
	span *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	v := m.find(bucketName, key, string(id))
	switch {
	case v == nil && id != "":
		return nil, gofakes3.ErrNoSuchVersion
	case v == nil:
		return nil, gofakes3.KeyNotFound(key)
	}

	part, err := span.Range(int64(len(v.body)))
	if err != nil {
		return nil, err
	}
	body, metadata := v.body, v.metadata
	if part != nil {
		body = body[part.Start : part.Start+part.Length]
		metadata = maps.Clone(metadata)
		delete(metadata, checksumHeader) // it covers the whole object
	}

	hash, err := hex.DecodeString(v.etag)
	if err != nil {
		return nil, err
	}
	return &gofakes3.Object{
		Name:           key,
		Metadata:       metadata,
		Size:           int64(len(v.body)),
		Range:          part,
		Hash:           hash,
		VersionID:      gofakes3.VersionID(v.id),
		IsDeleteMarker: v.marker,
		Contents:       io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// CopyObject stores the current version of one key as a new version of another.
func (m *memory) CopyObject(fromBucket, fromKey, toBucket, toKey string,
	metadata map[string]string) (gofakes3.CopyObjectResult, error) {
	from := m.find(fromBucket, fromKey, "")
	if from == nil || from.marker {
		return gofakes3.CopyObjectResult{}, gofakes3.KeyNotFound(fromKey)
	}
	if _, err := m.put(toBucket, toKey, metadata, from.body, nil, "CopyObject"); err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	return gofakes3.CopyObjectResult{ETag: `"` + from.etag + `"`, LastModified: gofakes3.NewContentTime(m.now())}, nil
}

// DeleteObject adds a delete marker, or removes the object if the bucket is not versioned. Like
// S3, it adds a marker even for a key that never existed.
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
			m.emit(b, current, "DeleteObject", deletedPermanently)
		}
		return gofakes3.ObjectDeleteResult{}, nil
	}

	marker := &version{key: key, marker: true, modified: m.now()}
	b.add(marker)
	m.emit(b, marker, "DeleteObject", deletedByMarker)

	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: gofakes3.VersionID(marker.id)}, nil
}

// DeleteObjectVersion removes a version permanently. If it was the current version, the
// previous one becomes current.
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
	m.emit(b, found, "DeleteObject", deletedPermanently)

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

// DeleteMultiVersions deletes objects, or single versions if their ids are given.
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

// emit reports a change of v to onEvent. The caller holds the lock, so that events have the
// order of the changes.
func (m *memory) emit(bucket *bucket, v *version, reason, deletion string) {
	if m.onEvent == nil {
		return
	}
	m.sequence++
	event := Event{
		Version:    "0",
		ID:         uuid.NewString(),
		DetailType: objectCreated,
		Source:     "aws.s3",
		Account:    accountID,
		Time:       m.now(),
		Region:     Region,
		Resources:  []string{"arn:aws:s3:::" + bucket.name},
		Detail: Detail{
			Version:      "0",
			RequestID:    rand.Text(),
			Requester:    accountID,
			SourceIP:     "127.0.0.1",
			Reason:       reason,
			DeletionType: deletion,
			Object:       EventObject{Key: v.key, VersionID: v.id, Sequencer: fmt.Sprintf("%018X", m.sequence)},
		},
	}
	event.Detail.Bucket.Name = bucket.name
	if deletion != "" {
		event.DetailType = objectDeleted
	} else {
		size := int64(len(v.body))
		event.Detail.Object.Size, event.Detail.Object.ETag = &size, v.etag
	}

	m.onEvent(event)
}
