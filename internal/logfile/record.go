package logfile

import "bytes"

// Records calls mark for each record of a chunk that begins at the given line. A
// record is a line; where mark refuses a line, it is the object of several lines
// that begins there. What is neither is handed to refuse, with its line number and
// the error of mark, and the next line goes on.
func Records(text []byte, line int, mark func(record []byte) error, refuse func(line int, err error)) {
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		lines := 1
		if err := mark(text[:end]); err != nil {
			if size := objectLength(text); size > end && mark(text[:size]) == nil {
				end, lines = size, bytes.Count(text[:size], []byte{'\n'})
			} else {
				refuse(line, err)
			}
		}
		line += lines
		text = text[end:]
	}
}
