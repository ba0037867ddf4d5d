package s3

import (
	"bytes"
	"crypto/md5" //nolint:gosec // an ETag is an MD5 by definition
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// memory keeps buckets and objects; it is the backend of gofakes3.
type memory struct {
	now     func() time.Time
	onEvent func(Event)

	mu       sync.RWMutex
	buckets  map[string]*bucket
	sequence uint64 // of events
}

type bucket struct {
	name      string
	created   time.Time
	versioned bool
	keys      map[string][]*version // the oldest first; never empty
}

// version is one version of an object, or a delete marker. It never changes, but for
// its tags.
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

// find returns a version of an object, the current one for the id "", or nil.
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
	v := &version{key: key, body: body, etag: hex.EncodeToString(sum[:]),
		metadata: kept(metadata), tags: tags, modified: m.now()}
	b.add(v)
	m.announce(b, v, reason, "")
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

// kept returns the headers of a PUT that belong to the object.
func kept(headers map[string]string) map[string]string {
	metadata := maps.Clone(headers)
	maps.DeleteFunc(metadata, func(name, _ string) bool {
		return strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") && name != checksumHeader
	})
	return metadata
}

// checksumHeader is the checksum that SDKs send by default, and compare when they
// read. Others are not kept.
const checksumHeader = "X-Amz-Checksum-Crc32"

// checksum returns what stands in checksumHeader for a body.
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

// GetObject returns the current version, which may be a delete marker.
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

// GetObjectVersion returns a version, or the part of it that span asks for.
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
		delete(metadata, checksumHeader) // it is that of the whole
	}
	hash, err := hex.DecodeString(v.etag)
	if err != nil {
		return nil, err
	}
	return &gofakes3.Object{Name: key, Metadata: metadata, Size: int64(len(v.body)), Range: part, Hash: hash,
		VersionID: gofakes3.VersionID(v.id), IsDeleteMarker: v.marker, Contents: io.NopCloser(bytes.NewReader(body))}, nil
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
