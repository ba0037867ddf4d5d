package function_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	gocmp "github.com/google/go-cmp/cmp"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/function"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/parameter"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/localclient"
	"github.com/resolverwatch/resolverwatch/test/localsecrets"
)

// publisher serves a list to clients that send the key.
type publisher struct {
	mu       sync.Mutex
	list     string
	revision int
	statuses []int
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	etag, status := fmt.Sprintf(`"%d"`, p.revision), http.StatusOK
	switch {
	case r.Header.Get("Auth-Key") != "hunter2hunter2":
		status = http.StatusForbidden
	case r.Header.Get("If-None-Match") == etag:
		status = http.StatusNotModified
	}
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "text/csv")
	w.WriteHeader(status)
	if status == http.StatusOK {
		fmt.Fprint(w, p.list)
	}
	p.statuses = append(p.statuses, status)
}

func (p *publisher) publish(list string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list, p.revision = list, p.revision+1
}

// fetcherFor returns a fetcher that connects to a test server, whatever the host is.
func fetcherFor(server *httptest.Server) *fetch.Fetcher {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	public := netip.MustParseAddr("192.0.2.1")
	return fetch.New(fetch.Config{
		Roots:   roots,
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{public}, nil },
		Public:  func(address netip.Addr) bool { return address == public },
		Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
	})
}

// The event of the schedule makes the importer fetch the list of a feed with a URL, with its
// secret, and store, import and publish it, on real adapters and endpoints. While the server
// has nothing new, only the row of the feed is written.
func TestHandler_Invoke_feedByURL(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	vendor := &publisher{}
	vendor.publish("id,domain\n1,evil.example\n2,worse.example\n")
	server := httptest.NewTLSServer(vendor)
	t.Cleanup(server.Close)
	var vault localsecrets.Store
	arn, err := vault.Put("vendor", `{"key":"hunter2hunter2"}`)
	if err != nil {
		t.Fatal(err)
	}
	vaultServer := httptest.NewServer(&vault)
	t.Cleanup(vaultServer.Close)

	var objectWrites, rowWrites []string
	objects := localclient.S3(t, locals3.Config{OnEvent: func(e locals3.Event) {
		objectWrites = append(objectWrites, e.Detail.Object.Key)
	}})
	rows := localclient.DynamoDB(t, localdynamodb.Config{Fault: func(operation string) error {
		if strings.HasPrefix(operation, "Put") || strings.HasPrefix(operation, "Batch") || strings.HasPrefix(operation, "Delete") {
			rowWrites = append(rowWrites, operation)
		}
		return nil
	}})
	lists, table := bucket.NewLists(objects, localclient.Versioned), awstable.NewTable(rows, localclient.Table)
	store := bucket.NewIndex(objects, localclient.IndexBucket)
	var logged, metrics bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	parameters := map[string]string{"/stack/feeds/vendor": `{
		"url":"https://example.com/all.csv?edition=2","secretArn":"` + arn + `","secretKey":"key","secretHeader":"Auth-Key","severity":"high"}`}
	feed, err := settings.DecodeFeed([]byte(parameters["/stack/feeds/vendor"]))
	if err != nil {
		t.Fatal(err)
	}
	handler, err := function.NewHandler(importer.Config{
		Lists: lists, Archive: lists, Rows: table, Entries: table, Pointer: store, Indexes: store, Log: logger, Metrics: &metrics,
		Settings:   parameter.NewStore(localclient.Parameters(t, parameters), "stack"),
		SecretPins: settings.PinSecrets(map[string]settings.Feed{"vendor": feed}, func(string) bool { return false }),
		Fetch: importer.FetchPorts{
			Fetcher: fetcherFor(server), Secrets: parameter.NewSecrets(localclient.Config(vaultServer.URL)), Inbox: lists,
		},
		Guards: list.Guards{Guards: settings.DefaultGuards()}, MaxIndexBytes: 1 << 20,
	}, localclient.Versioned)
	if err != nil {
		t.Fatal(err)
	}
	invoke := func() {
		t.Helper()
		objectWrites, rowWrites = nil, nil
		if _, err := handler.Invoke(ctx, []byte(`{"feed":"vendor"}`)); err != nil {
			t.Fatal(err)
		}
	}

	invoke()
	stored, err := objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(localclient.Versioned), Key: aws.String("feeds/vendor/fetched")})
	if err != nil {
		t.Fatal(err)
	}
	if at, err := time.Parse(time.RFC3339, stored.Metadata["resolverwatch-fetched-at"]); err != nil || time.Since(at) > time.Minute {
		t.Errorf("fetched at %v, %v", at, err)
	}
	delete(stored.Metadata, "resolverwatch-fetched-at")
	wantMetadata := map[string]string{
		"resolverwatch-source":       "https://example.com/all.csv",
		"resolverwatch-etag":         `"1"`,
		"resolverwatch-sha256":       fmt.Sprintf("%x", sha256.Sum256([]byte(vendor.list))),
		"resolverwatch-content-type": "text/csv",
	}
	if diff := gocmp.Diff(wantMetadata, stored.Metadata); diff != "" {
		t.Error(diff)
	}
	current, _, err := store.Current(ctx)
	if err != nil || current.Generation != 1 || len(current.Feeds) != 1 || current.Feeds[0].Count != 2 {
		t.Fatalf("CURRENT is %+v, %v", current, err)
	}
	got := collect(t, table, "vendor")
	if len(got) != 2 || got[0].Value() != "evil.example" || got[0].Severity.String() != "high" {
		t.Errorf("table rows are %+v", got)
	}

	invoke()
	if fmt.Sprint(vendor.statuses) != "[200 304]" || len(objectWrites) > 0 || fmt.Sprint(rowWrites) != "[PutItem]" {
		t.Errorf("statuses %v, wrote objects %v and rows %v", vendor.statuses, objectWrites, rowWrites)
	}

	vendor.publish("id,domain\n2,worse.example\n3,worst.example\n")
	invoke()
	if current, _, err = store.Current(ctx); err != nil || current.Generation != 2 {
		t.Errorf("CURRENT is %+v, %v", current, err)
	}

	if _, err := vault.Put("vendor", `{"key":"wrong-wrong-wrong"}`); err != nil {
		t.Fatal(err)
	}
	invoke()
	row, err := table.Row(ctx, "vendor")
	if err != nil || row.Fetch.Outcome != fetch.Refused {
		t.Errorf("row is %+v, %v", row.Fetch, err)
	}
	if row.Accepted.Entries != 2 || len(objectWrites) > 0 {
		t.Errorf("accepted %+v, wrote %v", row.Accepted, objectWrites)
	}
	output := logged.String() + metrics.String() + fmt.Sprintf("%+v %v", row, stored.Metadata)
	if strings.Contains(output, "hunter2") || strings.Contains(output, "wrong-wrong") || strings.Contains(output, "edition=2") {
		t.Errorf("the output contains a secret: %s", output)
	}
	if !strings.Contains(metrics.String(), `"FetchFailed":1`) {
		t.Errorf("metrics: %s", metrics.String())
	}
}
