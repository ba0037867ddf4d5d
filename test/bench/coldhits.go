package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// coldHits has the malicious records of a contestant: the number of the instance, which is
// random and so identifies a generated record, and the query name.
type coldHits struct {
	names   map[string]string
	answers int // records that are malicious because of an answer; the peers do not look there
	records int // all of them
}

// compareHits compares the malicious records of each peer with ours. The peers must have all of
// ours. Records that only they have must ask for a name that our guards drop from the list.
func (b *coldBench) compareHits(r *report) error {
	ours, _, err := b.hits(b.ours)
	if err != nil {
		return err
	}
	r.info("malicious records", float64(len(ours.names)), "")
	if ours.answers > 0 {
		r.info("records that only an answer makes malicious", float64(ours.answers), "")
	}
	dropped, err := droppedNames(b.list)
	if err != nil {
		return err
	}

	var compared coldDifference
	for _, peer := range b.peers() {
		theirs, about, err := b.hits(peer)
		if err != nil {
			return err
		}
		if compared, err = compareColdHits(ours.names, theirs.names, dropped); err != nil {
			return fmt.Errorf("comparing with %s: %w", peer.name, err)
		}
		r.note(fmt.Sprintf("%s, version %s", peer.name, about.Version))
		r.info("malicious records of "+peer.name, float64(len(theirs.names)), "")
		r.info("of them below a name that our guards drop", float64(compared.explained), "")
		r.info("start of Python and the import for "+peer.name, about.Start, "s CPU")
	}
	compared.print(r)
	return nil
}

// peerNotes is what a script of a peer writes to standard error.
type peerNotes struct {
	Version string
	Start   float64 // processor time in seconds before the job
}

// hits runs a contestant and returns its malicious records.
func (b *coldBench) hits(c *contestant) (*coldHits, *peerNotes, error) {
	command := b.pinned(c.arguments(1, true), 1)
	var messages bytes.Buffer
	command.Stderr = &messages
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	hits, err := readColdHits(out)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the records of %s: %w", c.name, err)
	}
	if err := command.Wait(); err != nil {
		return nil, nil, fmt.Errorf("running %s: %w\n%s", c.name, err, messages.String())
	}
	if hits.records != coldRecords {
		return nil, nil, fmt.Errorf("%s wrote %d records, want %d", c.name, hits.records, coldRecords)
	}

	about := &peerNotes{}
	if c != b.ours {
		if err := json.Unmarshal(messages.Bytes(), about); err != nil {
			return nil, nil, fmt.Errorf("reading the notes of %s: %w\n%s", c.name, err, messages.String())
		}
	}
	return hits, about, nil
}

// readColdHits reads marked records.
func readColdHits(in io.Reader) (*coldHits, error) {
	hits := &coldHits{names: map[string]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		hits.records++
		line := lines.Text()
		switch {
		case !strings.Contains(line, `"verdict":"malicious"`):
		case strings.Contains(line, `"part":"answers`):
			hits.answers++
		default:
			_, rest, _ := strings.Cut(line, `"instance":"`)
			instance, _, _ := strings.Cut(rest, `"`)
			hits.names[instance] = queryName(line)
		}
	}
	return hits, lines.Err()
}

// droppedNames returns the names of a list that the guards drop, with the reason.
func droppedNames(path string) (map[string]list.DropReason, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	dropped := map[string]list.DropReason{}
	_, _, err = list.Read(file, list.Options{}, list.Guards{Guards: settings.DefaultGuards()}, list.Hooks{
		OnDrop: func(d list.Drop) { dropped[d.Entry] = d.Reason },
	})
	return dropped, err
}

// coldDifference has the records that only a peer calls malicious.
type coldDifference struct {
	explained int
	byReason  map[list.DropReason]int
	byName    map[string]int // by the name that the guards drop
}

// compareColdHits returns an error if one side has a record that the guards do not explain.
func compareColdHits(ours, theirs map[string]string, dropped map[string]list.DropReason) (coldDifference, error) {
	d := coldDifference{byReason: map[list.DropReason]int{}, byName: map[string]int{}}
	for instance, name := range ours {
		if _, found := theirs[instance]; !found {
			return d, fmt.Errorf("the peer does not have the record of %s, which asks for %s", instance, printable.Line(name))
		}
	}
	for instance, name := range theirs {
		if _, found := ours[instance]; found {
			continue
		}
		parent := droppedParent(name, dropped)
		if parent == "" {
			return d, fmt.Errorf("only the peer has the record of %s, which asks for %s; the guards drop no name that explains it",
				instance, printable.Line(name))
		}
		d.explained++
		d.byReason[dropped[parent]]++
		d.byName[parent]++
	}
	return d, nil
}

// droppedParent returns the name, or a parent of it, that the guards drop; "" if there is none.
func droppedParent(name string, dropped map[string]list.DropReason) string {
	for name != "" {
		if _, found := dropped[name]; found {
			return name
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return ""
}

// print lists the reasons, and the names with the most records.
func (d *coldDifference) print(r *report) {
	const most = 10
	for _, reason := range slices.Sorted(maps.Keys(d.byReason)) {
		r.note(fmt.Sprintf("only peers, dropped as %s: %d records", reason, d.byReason[reason]))
	}
	names := slices.SortedFunc(maps.Keys(d.byName), func(a, b string) int {
		if d.byName[a] != d.byName[b] {
			return d.byName[b] - d.byName[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		if i == most {
			r.note(fmt.Sprintf("and %d more names", len(names)-most))
			return
		}
		r.note(fmt.Sprintf("  %s: %d", printable.Line(name), d.byName[name]))
	}
}
