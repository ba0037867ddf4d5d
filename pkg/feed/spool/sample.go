package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A sample has at most maxBlocks blocks of blockBytes each, spread evenly over the whole list,
// and so takes 256 KiB of memory at most.
const (
	blockBytes = 8 << 10
	maxBlocks  = 32
)

// Sample is text from a whole list.
type Sample struct {
	Head []byte // the first bytes of the list
	// Runs are pieces of whole lines. The first one starts at the start of the list.
	Runs [][]byte
}

// Whole returns the sample of a list that is in memory.
func Whole(text []byte) *Sample { return &Sample{Head: text, Runs: [][]byte{text}} }

// Take reads a list to its end and returns the blocks that are at multiples of the same
// distance, which doubles as the list turns out to be longer. An error ends the sample; the
// reader of the list will meet it again.
func Take(head []byte, rest io.Reader) *Sample {
	var kept []block
	text := make([]byte, blockBytes)
	step := 1
	for index := 0; ; index++ {
		n := copy(text, head)
		head = head[n:]
		m, err := io.ReadFull(rest, text[n:])
		if n += m; n > 0 && index%step == 0 {
			kept = append(kept, block{index, bytes.Clone(text[:n])})
		}
		if err != nil {
			end := index // of the last block of the list
			if n == 0 {
				end--
			}
			return &Sample{Runs: joinBlocks(kept, len(kept) > 0 && kept[len(kept)-1].index == end)}
		}
		if len(kept) == maxBlocks {
			step *= 2
			kept = thin(kept, step)
		}
	}
}

// TakeAt is [Take] for an input that can seek and is a list as it is, without compression. It
// reads only the blocks that it returns, the same ones as Take. mark is the length of a byte order
// mark. If the input cannot seek, it returns nil.
func (s *Spool) TakeAt(mark int) (*Sample, error) {
	if s.seeker == nil {
		return nil, nil
	}
	size, err := s.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, nil //nolint:nilerr // the list is read to its end instead
	}
	start := s.start + int64(mark)
	count, step := int((size-start+blockBytes-1)/blockBytes), 1
	for (count+step-1)/step >= maxBlocks {
		step *= 2
	}

	var kept []block
	for index := 0; index < count; index += step {
		if _, err := s.seeker.Seek(start+int64(index)*blockBytes, io.SeekStart); err != nil {
			return nil, fmt.Errorf("reading a list again: %w", err)
		}
		text := make([]byte, blockBytes)
		n, err := io.ReadFull(s.input, text)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			break // the reader of the list will meet the error again
		}
		kept = append(kept, block{index, text[:n]})
	}
	return &Sample{Runs: joinBlocks(kept, len(kept) > 0 && kept[len(kept)-1].index == count-1)}, nil
}

// block is a piece of a list; the one with index 0 is its start.
type block struct {
	index int
	text  []byte
}

// thin keeps the blocks at multiples of step.
func thin(blocks []block, step int) []block {
	kept := blocks[:0]
	for _, b := range blocks {
		if b.index%step == 0 {
			kept = append(kept, b)
		}
	}
	return kept
}

// joinBlocks joins neighbours and cuts off the lines that are not whole. ended says that the
// last block is the end of the list.
func joinBlocks(blocks []block, ended bool) (runs [][]byte) {
	for i := 0; i < len(blocks); {
		last := i
		text := blocks[i].text
		for last+1 < len(blocks) && blocks[last+1].index == blocks[last].index+1 {
			last++
			text = append(text[:len(text):len(text)], blocks[last].text...)
		}
		if blocks[i].index > 0 {
			_, text, _ = bytes.Cut(text, []byte{'\n'})
		}
		if end := bytes.LastIndexByte(text, '\n') + 1; (last+1 < len(blocks) || !ended) && (end > 0 || i > 0) {
			text = text[:end]
		}
		if len(text) > 0 {
			runs = append(runs, text)
		}
		i = last + 1
	}
	return runs
}

// Count returns the number of lines of the sample.
func (s *Sample) Count() (n int) {
	for _, run := range s.Runs {
		n += bytes.Count(run, []byte{'\n'}) + 1
	}
	return n
}

// EachLine calls visit for each line of the sample, until visit returns false.
func (s *Sample) EachLine(visit func(line []byte) bool) {
	for _, run := range s.Runs {
		for len(run) > 0 {
			var line []byte
			line, run, _ = bytes.Cut(run, []byte{'\n'})
			if !visit(line) {
				return
			}
		}
	}
}

// Pick returns the indexes of at most most of n things: the first ones, and others that are
// spread evenly but not at a fixed distance, because rows may alternate.
func Pick(n, most int) []int {
	if n <= most {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	first := most / 8
	picked := Pick(first, first)
	rest, wanted := n-first, most-first
	for k := range wanted {
		from, to := first+rest*k/wanted, first+rest*(k+1)/wanted
		picked = append(picked, from+(k*7919)%(to-from))
	}
	return picked
}
