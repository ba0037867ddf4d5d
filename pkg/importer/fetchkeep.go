package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// keep stores a fetched list and returns its version. The same bytes as before are not
// stored again, so that a server without marks of its lists makes no new ones. What is no
// list at all, a page or a message of an error, is not stored either: it would stand in
// the place of the list that the feed is read from when its settings change. Its report
// is written as of any list that is refused, and nothing else is lost, since no reason
// could have let it pass. Every other list is stored and judged like an upload.
func (im *Importer) keep(ctx context.Context, f *fetching) (version string, err error) {
	body := f.result.Body
	if f.stored.Metadata[MetadataSHA256] == body.SHA256 {
		f.result.Outcome = fetch.NotModified
		// The marks may be new: see [FetchState.next].
		f.row.Fetch.ETag, f.row.Fetch.LastModified = f.result.ETag, f.result.LastModified
		return f.stored.Version, nil
	}
	refusals, err := probe(body, f.settings, im.guards)
	if err != nil {
		return "", fmt.Errorf("looking at the fetched list: %w", err)
	}
	if len(refusals) > 0 {
		return "", im.refuseFetched(ctx, f, refusals)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("reading the fetched list again: %w", err)
	}
	key := f.settings.Source.key(f.id)
	version, err = im.fetch.Inbox.Put(ctx, key, body, im.provenance(&f.result))
	if err != nil {
		return "", fmt.Errorf("storing the fetched list as %q: %w", key, err)
	}
	return version, nil
}

// provenance says of a list where it comes from.
func (im *Importer) provenance(result *fetch.Result) map[string]string {
	metadata := map[string]string{
		MetadataSource:    result.URL,
		MetadataFetchedAt: im.now().Format(time.RFC3339),
		MetadataSHA256:    result.Body.SHA256,
	}
	for name, value := range map[string]string{
		MetadataETag: result.ETag, MetadataLastModified: result.LastModified, MetadataContentType: result.ContentType,
	} {
		if value != "" {
			metadata[name] = value
		}
	}
	return metadata
}

// errEntry ends a probe: there is an entry.
var errEntry = errors.New("an entry can be read")

// probe looks whether a list is one: whether anything in it can be read as an entry. It
// reads as far as it must.
func probe(r io.Reader, s FeedSettings, g Guards) (Refusals, error) {
	_, err := feed.Parse(r, s.options(g, Hooks{}), func(*indicator.Indicator) error { return errEntry })
	var refusals Refusals
	switch {
	case errors.Is(err, errEntry):
		return nil, nil
	case err == nil:
		return Refusals{{
			Code: RefusedNoEntries, What: "nothing in it can be read as an entry",
			Todo: "open the URL and see what it gives",
		}}, nil
	}
	err = refuseReading(err)
	if errors.As(err, &refusals) {
		return refusals, nil
	}
	return nil, err
}

// refuseFetched ends a fetch whose bytes are no list. The report is written once for as
// long as the same comes.
func (im *Importer) refuseFetched(ctx context.Context, f *fetching, refusals Refusals) error {
	body := f.result.Body
	report := im.newReport(&f.row, &foundList{Object: Object{
		Key: f.result.URL, Version: FetchedName + "-" + body.SHA256[:16], Size: body.Size,
	}})
	report.Feed, report.Refusals = f.id, refusals
	f.result.Outcome = fetch.Refused
	f.result.Reason = fmt.Sprintf("what came is no list (%s), see %s.txt",
		strings.ReplaceAll(refusals.Error(), "\n", "; "), report.key())
	if before := &f.row.Fetch; before.Outcome == f.result.Outcome && before.Reason == cleanReason(f.result.Reason) {
		return nil
	}
	return im.refuse(ctx, report)
}
