// Package athena_test runs the named queries on a real Trino, the engine of Athena. They
// read the deployed Glue tables over logs that the real marker wrote to an embedded S3, as
// JSON and as Parquet. `make athena` starts it; elsewhere the tests are skipped.
package athena_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
)

var update = flag.Bool("update", false, "rewrite docs/queries.md")

// Catalogs for the ways in which Trino reads JSON.
const (
	// native is Trino's own reader.
	native = "native"
	// serde is the code of the Hive and OpenX SerDes.
	serde = "serde"
)

// lab is Trino with a Glue and an S3 that it reads from.
type lab struct {
	trino   *trino
	glue    glue
	objects *s3.Server
	client  *awss3.Client

	buckets int // created so far
	mu      sync.Mutex
	reads   map[string]bool // keys of objects that were read since [lab.forget]
}

var theLab struct {
	once sync.Once
	lab  *lab
	err  error
}

// open returns the lab. All tests share it, because Trino takes seconds to start.
func open(t *testing.T) *lab {
	t.Helper()
	classPath := os.Getenv("RESOLVERWATCH_TRINO")
	if classPath == "" {
		t.Skip("needs Java and a Trino: `make athena` fetches Trino and runs this")
	}
	theLab.once.Do(func() { theLab.lab, theLab.err = newLab(classPath) })
	if theLab.err != nil {
		t.Fatal(theLab.err)
	}
	return theLab.lab
}

func TestMain(m *testing.M) {
	code := m.Run()
	if theLab.lab != nil {
		if err := theLab.lab.trino.close(); err != nil {
			fmt.Fprintln(os.Stderr, "closing Trino:", err)
		}
	}
	os.Exit(code)
}

// newLab never stops its two servers; they end with the process.
func newLab(classPath string) (*lab, error) {
	l := &lab{reads: map[string]bool{}}
	l.objects = s3.New(s3.Config{Fault: l.note})
	objects := httptest.NewServer(l.objects)
	tables := httptest.NewServer(&l.glue)
	l.client = awss3.NewFromConfig(aws.Config{Region: s3.Region, BaseEndpoint: &objects.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")},
		func(o *awss3.Options) { o.UsePathStyle = true })
	var err error
	if l.trino, err = startTrino(classPath, filepath.Join(os.TempDir(), "resolverwatch-trino.log")); err != nil {
		return nil, err
	}
	for catalog, reader := range map[string]string{native: "true", serde: "false"} {
		err := l.trino.mount(catalog, map[string]string{
			"hive.metastore":                     "glue",
			"hive.metastore.glue.endpoint-url":   tables.URL,
			"hive.metastore.glue.region":         s3.Region,
			"hive.metastore.glue.aws-access-key": "test",
			"hive.metastore.glue.aws-secret-key": "test",
			"hive.s3.endpoint":                   objects.URL,
			"hive.s3.path-style-access":          "true",
			"hive.s3.ssl.enabled":                "false",
			"hive.s3.aws-access-key":             "test",
			"hive.s3.aws-secret-key":             "test",
			"hive.partition-projection-enabled":  "true",
			"json.native-reader.enabled":         reader,
			"openx-json.native-reader.enabled":   reader,
		})
		if err != nil {
			return nil, err
		}
	}
	return l, nil
}

// note records the keys of objects that are read.
func (l *lab) note(r s3.Request) *s3.Fault {
	if r.Method == http.MethodGet && r.Key != "" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reads[r.Key] = true
	}
	return nil
}

// forget returns the keys that were read since its last call.
func (l *lab) forget() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := slices.Sorted(maps.Keys(l.reads))
	clear(l.reads)
	return keys
}

// bucket creates a bucket with objects, which exists until the process ends, and returns
// its name.
func (l *lab) bucket(t *testing.T, objects map[string][]byte) string {
	t.Helper()
	l.buckets++
	name := fmt.Sprintf("bucket-%d", l.buckets)
	if _, err := l.client.CreateBucket(context.Background(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	l.put(t, name, objects)
	return name
}

// put puts objects into a bucket.
func (l *lab) put(t *testing.T, bucket string, objects map[string][]byte) {
	t.Helper()
	for key, body := range objects {
		if _, err := l.client.PutObject(context.Background(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key,
			Body: bytes.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
}

// query runs a statement that must succeed.
func (l *lab) query(t *testing.T, catalog, sql string) *result {
	t.Helper()
	got, err := l.trino.query(catalog, database, sql)
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	return got
}

func compress(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
