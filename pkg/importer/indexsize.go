package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Bounds of what an entry takes in an index beside its text: its share of the filters,
// of the front coding and of the tables.
const indexBytesPerEntry = 32

// What a process takes in bytes to hold a list, and to build an index of entries whose
// values have so much text. It is a quarter more than was measured.
func memoryToList(entries int, text int64) int64 { return 50*int64(entries) + 5*text/4 }

func memoryToBuild(entries int, text int64) int64 { return 90*int64(entries) + 5*text/2 }

// errListMemory ends a parse whose list is more than the memory of the process.
var errListMemory = errors.New("the list has more entries than an index can be made of in the importer's memory")

const moreMemory = "give the importer more memory, or split the list into several feeds"

// judgeMemory refuses a list with which a publish could take more memory than there is.
func (im *Importer) judgeMemory(j *judgement, entries int, text int64) bool {
	need := memoryToList(j.list.Len(), j.list.Bytes()) + memoryToBuild(entries, text)
	if j.guards.Memory == 0 || need <= j.guards.Memory {
		return false
	}
	j.report.Refusals = append(j.report.Refusals, Refusal{
		Code: RefusedIndexTooLarge,
		What: fmt.Sprintf("with this list the index has %d entries, which may take %d MiB of memory to make, "+
			"and the importer has %d", entries, need>>20, j.guards.Memory>>20),
		Todo: "give the importer more memory, or take feeds away; then " + judgeAgain(j.report.Feed),
	})
	return true
}

// judgeAgain says how a list that was refused is judged once more.
func judgeAgain(id indicator.FeedID) string {
	return "`resolverwatch publish --feed " + string(id) + "`"
}

// judgeSize refuses a list with which the index would be larger than what a
// transformer loads. Only where an upper bound leaves doubt an index is built.
func (im *Importer) judgeSize(ctx context.Context, j *judgement) error {
	rows, err := im.rows.Rows(ctx)
	if err != nil {
		return fmt.Errorf("reading the feed rows: %w", err)
	}
	entries, text := j.list.Len(), j.list.Bytes()
	var others []FeedRow
	for _, row := range rows {
		if row.ID != j.report.Feed {
			others = append(others, row)
			entries, text = entries+row.Accepted.Entries, text+row.Accepted.Bytes
		}
	}
	if im.judgeMemory(j, entries, text) || text+int64(entries)*indexBytesPerEntry <= int64(im.maxBytes) {
		return nil
	}
	sources, err := im.sources(ctx, others)
	if err != nil {
		return err
	}
	trial, err := im.build(ctx, append(sources, listSource(j)), 1)
	if err != nil {
		return err
	}
	if len(trial.data) > im.maxBytes {
		j.report.Refusals = append(j.report.Refusals, Refusal{
			Code: RefusedIndexTooLarge,
			What: fmt.Sprintf("with this list the index has %d bytes, and a transformer loads at most %d",
				len(trial.data), im.maxBytes),
			Todo: "give the transformer more memory, or take feeds away; then " + judgeAgain(j.report.Feed),
		})
	}
	return nil
}

// listSource is a list that is not accepted yet.
func listSource(j *judgement) source {
	return source{
		id:        j.report.Feed,
		vetoesAll: j.settings.Action == indicator.ActionAllow,
		each: func(_ context.Context, add func(*Entry) error) error {
			for found := range j.list.All() {
				if err := add(&Entry{Indicator: *found}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
