package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// listSource opens lists: files, https URLs, and - for standard input.
type listSource struct {
	stdin   io.Reader
	fetcher *fetch.Fetcher
}

func newListSource(stdin io.Reader) *listSource {
	return &listSource{stdin: stdin, fetcher: fetch.New(fetch.Config{})}
}

// open opens a list. The caller closes it.
func (s *listSource) open(ctx context.Context, path string) (io.ReadCloser, error) {
	switch scheme, _, isURL := strings.Cut(path, "://"); {
	case path == "-":
		return logfile.NewLive(ctx, s.stdin), nil
	case isURL && strings.EqualFold(scheme, "https"):
		return s.fetch(ctx, path)
	case isURL:
		return nil, fmt.Errorf("%s: a list is read from a file, from an https:// URL, or from standard input (-); "+
			"copy it to a file first, or pipe it in", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s: is a folder; name the files in it, each as one list", path), file.Close())
	}
	return file, nil
}

// fetch downloads a list as the importer does: from public hosts only, and never a part of it.
func (s *listSource) fetch(ctx context.Context, url string) (io.ReadCloser, error) {
	result := s.fetcher.Fetch(ctx, fetch.Request{URL: url, MaxBytes: settings.DefaultGuards().MaxListBytes, Timeout: settings.FetchTimeout})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case result.Outcome == fetch.Fetched:
		return result.Body, nil
	case result.Status == http.StatusUnauthorized, result.Status == http.StatusForbidden:
		result.Reason = fmt.Sprintf("the server answers %d %s", result.Status, http.StatusText(result.Status))
	}
	return nil, fmt.Errorf("fetching a list: %s; if another program can download it, pipe it in and name the list -", result.Reason)
}

// checkStdin returns a usage error if standard input is named more than once, as a list or as
// something else to read.
func checkStdin(cmd *cobra.Command, lists []listArgument) error {
	named := 0
	for i := range lists {
		if lists[i].path == "-" {
			named++
		}
	}
	if named == 0 {
		return nil
	}
	others, _ := cmd.Flags().GetStringArray("local") // only hunt has it
	for _, other := range append(others, cmd.Flags().Args()...) {
		if other == "-" {
			named++
		}
	}
	if named > 1 {
		return usagef(cmd, "standard input (-) is named %d times, but can be read once: put one of them into a file", named)
	}
	return nil
}
