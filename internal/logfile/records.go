package logfile

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

// maxNesting limits the envelopes in envelopes that are opened: a record that Firehose set
// aside can hold a CloudWatch Logs envelope, whose messages can be JSON texts.
const maxNesting = 4

// Records calls mark for each record of a chunk that begins at the given line. A record is a
// line that mark can read. If mark returns an error for a line, Records looks for the records
// in it:
//
//   - an object on several lines that begins there
//   - the elements of an array, which may have more lines
//   - an object after a time and other words, as exports of CloudWatch Logs and `aws logs
//     tail` write it
//   - a record that was encoded as a JSON text
//   - a row of a table (CSV) with a record in a cell, as Logs Insights exports it
//   - the messages of an envelope, so that one that is not a record does not cost the others;
//     records that Firehose set aside are in such an envelope
//
// Records calls refuse with the number of the line and the error for everything else.
func Records(text []byte, line int, mark func(record []byte) error, refuse func(line int, err error)) {
	r := &recordReader{mark: mark, refuse: refuse, line: line}
	r.read(text, 0)
}

// recordReader reads the records of one chunk.
type recordReader struct {
	mark   func(record []byte) error
	refuse func(line int, err error)
	line   int    // number of the current line
	where  string // the place within the line, for errors
}

// read reads all records of a text. depth is the number of envelopes around it.
func (r *recordReader) read(text []byte, depth int) {
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		if err := r.mark(text[:end]); err != nil {
			end = r.readLine(text, end, err, depth)
		}
		if depth == 0 {
			r.line += bytes.Count(text[:end], []byte{'\n'})
		}
		text = text[end:]
	}
}

// readLine reads the records of a line that is not a record. It returns the length of what
// it read, which is more than the line if an object has more lines.
func (r *recordReader) readLine(text []byte, end int, err error, depth int) int {
	for at := 0; at < end; {
		if at += fillerLength(text[at:end]); at == end {
			break
		}
		prefix := prefixLength(text[at:end])
		switch start := at + prefix; {
		case text[start] == '{':
			size := r.readObject(text[start:], end-start, err, depth)
			if size == 0 {
				return end
			}
			at = start + size
			if prefix > 0 && at < end && isTail(text[at:end]) {
				return end
			}
		case text[at] == '"' && depth < maxNesting:
			size := r.readText(text[at:end], depth)
			if size == 0 {
				r.readRow(text[at:end], err, depth)
				return end
			}
			at += size
		default:
			r.readRow(text[at:end], err, depth)
			return end
		}
		if at > end {
			return at
		}
	}
	return end
}

// readObject reads the object at the start of text, whose first line ends at end. It returns
// the length of the object, or 0 if the rest of the line must be left out.
func (r *recordReader) readObject(text []byte, end int, err error, depth int) int {
	size := objectLength(text)
	if size <= 0 {
		r.report(err)
		return 0
	}

	problem := r.mark(text[:size])
	switch {
	case problem == nil, depth < maxNesting && r.readMessages(text[:size], depth):
		return size
	case size > end: // the error is in one of the lines
		r.report(err)
		return 0
	default:
		r.report(problem)
		return size
	}
}

// readMessages reads the messages of an envelope. It returns false if the object is not one.
func (r *recordReader) readMessages(object []byte, depth int) bool {
	messages, ok, err := resolverlog.Messages(object)
	if !ok {
		return false
	}
	if err != nil {
		r.report(err)
		return true
	}

	outer := r.where
	for i, message := range messages {
		if len(messages) > 1 {
			r.where = fmt.Sprintf("%smessage %d: ", outer, i+1)
		}
		r.read(message, depth+1)
	}
	r.where = outer
	return true
}

// readText reads a record that was encoded as a JSON text. It returns the length of the text,
// or 0 if there is none or something else is in it.
func (r *recordReader) readText(text []byte, depth int) int {
	c := jsonscan.New(text)
	encoded, err := c.Text()
	if err != nil {
		return 0
	}
	record := encoded.Append(nil)
	if objectLength(record) <= 0 && !bytes.HasPrefix(record, []byte(`"{`)) && !bytes.HasPrefix(record, []byte(`"\"`)) {
		return 0
	}
	r.read(record, depth+1)
	return c.Pos()
}

// readRow reads the records in the cells of a table's row. The row with the headings has
// none.
func (r *recordReader) readRow(line []byte, err error, depth int) {
	rows := csv.NewReader(bytes.NewReader(line))
	cells, problem := rows.Read()
	if problem != nil || depth >= maxNesting {
		r.report(err)
		return
	}

	found := false
	for _, cell := range cells {
		if strings.EqualFold(cell, "@message") || strings.EqualFold(cell, "message") {
			return
		}
		if objectLength([]byte(cell)) > 0 {
			found = true
			r.read([]byte(cell), depth+1)
		}
	}
	if !found {
		r.report(err)
	}
}

// isTail reports whether text after a record is the rest of a line whose columns are
// separated by tabs, as `aws logs filter-log-events --output text` writes it.
func isTail(text []byte) bool { return text[0] == '\t' && !bytes.ContainsAny(text, `{"`) }

func (r *recordReader) report(err error) {
	if r.where != "" {
		err = fmt.Errorf("%s%w", r.where, err)
	}
	r.refuse(r.line, err)
}
