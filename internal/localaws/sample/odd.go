package sample

import (
	"bytes"
	"fmt"
)

// unusual are records that are good and hold no query to mark.
func unusual() []func(*Generator) Record {
	return []func(*Generator) Record{
		func(*Generator) Record { return Record{} },
		func(*Generator) Record { return Record{Data: []byte(" \r\n")} },
		func(*Generator) Record { return Record{Data: control()} },
		func(g *Generator) Record { // marked before, as after a replay
			line := g.harmlessLine()
			line.Marked = true
			line.Object = fmt.Appendf(line.Object[:len(line.Object)-1], `,"verdict":"clean","index_generation":1}`)
			return Record{Data: append(bytes.Clone(line.Object), '\n'), Lines: []Line{line}}
		},
	}
}

// malformed are records that cannot be marked. Each fails as a whole.
func malformed() []func(*Generator) Record {
	return []func(*Generator) Record{
		func(g *Generator) Record {
			return Record{Data: fmt.Appendf(nil, "%d is no log record\n", g.made), Failed: "not JSON"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: object[:len(object)*2/3], Failed: "cut off"}
		},
		func(g *Generator) Record {
			return Record{Data: fmt.Appendf(nil, "[%s]\n", g.harmlessLine().Object), Failed: "an array"}
		},
		func(g *Generator) Record {
			first, second := g.harmlessLine().Object, g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s\n%s\n", first, second[:len(second)/2]),
				Failed: "second of two objects cut off"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s,%q:%q}\n", object[:len(object)-1], "Verdict", "clean"),
				Failed: "a member of ours in other case"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s,%q:{}}\n", object[:len(object)-1], "threat"),
				Failed: "a member of ours without a verdict"}
		},
	}
}

func (g *Generator) harmlessLine() Line {
	return g.line(g.scenarios[0].make(g.random), g.hosts[infectedHosts], current)
}
