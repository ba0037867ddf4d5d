package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// indexInfo is what index inspect writes as JSON.
type indexInfo struct {
	FormatVersion int            `json:"format_version"`
	Generation    uint64         `json:"generation"`
	Seed          uint64         `json:"seed"`
	BuiltAt       *time.Time     `json:"built_at"` // null if it is not known
	ContentHash   string         `json:"content_hash"`
	Checksum      string         `json:"checksum"`
	Bytes         int            `json:"bytes"`
	Names         int            `json:"names"`
	Addresses     int            `json:"addresses"`
	Groups        int            `json:"groups"`
	Reach         reach.Reach    `json:"reach"`
	Feeds         []indexFeed    `json:"feeds"`
	Sections      []indexSection `json:"sections"`
}

type indexFeed struct {
	ID        indicator.FeedID `json:"id"`
	VetoesAll bool             `json:"vetoes_all"`
	Names     int              `json:"names"`
	Addresses int              `json:"addresses"`
	Reach     reach.Reach      `json:"reach"`
}

type indexSection struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// writeInfo writes what is known about an index as JSON.
func writeInfo(out io.Writer, info index.Info) error {
	all := indexInfo{
		FormatVersion: info.FormatVersion,
		Generation:    info.Generation,
		Seed:          info.Seed,
		ContentHash:   info.ContentHash,
		Checksum:      info.Checksum,
		Bytes:         info.Bytes,
		Names:         info.Names,
		Addresses:     info.Addresses,
		Groups:        info.Groups,
		Reach:         info.Reach,
		Feeds:         []indexFeed{},
		Sections:      []indexSection{},
	}
	if !info.BuiltAt.IsZero() {
		all.BuiltAt = &info.BuiltAt
	}
	for _, feed := range info.Feeds {
		all.Feeds = append(all.Feeds, indexFeed(feed))
	}
	for _, section := range info.Sections {
		all.Sections = append(all.Sections, indexSection(section))
	}
	return json.NewEncoder(out).Encode(all)
}

func printInfo(out io.Writer, path string, info index.Info) {
	built := "unknown"
	if !info.BuiltAt.IsZero() {
		built = info.BuiltAt.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(out, "%s: index format %d, verified\n", path, info.FormatVersion)
	fmt.Fprintf(out, "  generation   %d\n  built        %s\n", info.Generation, built)
	fmt.Fprintf(out, "  names        %d\n  addresses    %d\n", info.Names, info.Addresses)
	if info.Reach != (reach.Reach{}) {
		fmt.Fprintf(out, "  reach        %s\n", info.Reach)
	}
	fmt.Fprintf(out, "  bytes        %d", info.Bytes)
	if info.Names > 0 {
		fmt.Fprintf(out, " (%.2f per name)", float64(info.Bytes)/float64(info.Names))
	}
	fmt.Fprintf(out, "\n  content      %s\n  checksum     %s\n", info.ContentHash, info.Checksum)
	for _, f := range info.Feeds {
		kind := "block"
		if f.VetoesAll {
			kind = "allow"
		}
		fmt.Fprintf(out, "  feed         %s (%s): %d names, %d addresses", f.ID, kind, f.Names, f.Addresses)
		if f.Reach != (reach.Reach{}) {
			fmt.Fprintf(out, ", reach %s", f.Reach)
		}
		fmt.Fprintln(out)
	}
	for _, s := range info.Sections {
		fmt.Fprintf(out, "  section      %-16s %d bytes\n", s.Name, s.Bytes)
	}
}
