package list

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// What a process takes in bytes to hold a list, and to build an index of entries whose
// values have so much text. It is a quarter more than was measured.
func memoryToList(entries int, text int64) int64 { return 50*int64(entries) + 5*text/4 }

func memoryToBuild(entries int, text int64) int64 { return 90*int64(entries) + 5*text/2 }

// errListMemory ends a parse whose list is more than the memory of the process.
var errListMemory = errors.New("the list has more entries than an index can be made of in the importer's memory")

const moreMemory = "give the importer more memory, or split the list into several feeds"

// CheckMemory refuses a list with which a publish could take more memory than there is.
func (g *Guards) CheckMemory(feed indicator.FeedID, l *List, entries int, text int64) Refusals {
	need := memoryToList(l.Len(), l.Bytes()) + memoryToBuild(entries, text)
	if g.Memory == 0 || need <= g.Memory {
		return nil
	}
	return Refusals{{
		Code: RefusedIndexTooLarge,
		What: fmt.Sprintf("with this list the index has %d entries, which may take %d MiB of memory to make, "+
			"and the importer has %d", entries, need>>20, g.Memory>>20),
		Todo: "give the importer more memory, or take feeds away; then " + PublishCommand(feed),
	}}
}

// PublishCommand says how a list that was refused is judged once more.
func PublishCommand(id indicator.FeedID) string {
	return "`resolverwatch publish --feed " + string(id) + "`"
}
