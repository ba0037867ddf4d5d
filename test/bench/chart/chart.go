// Package chart draws small line charts as one SVG picture without scripts, which adapts to light
// and dark pages. It is for the documents: a few series with a few points.
package chart

import (
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"
)

// Picture is a grid of panels.
type Picture struct {
	Title       string  `json:"title"`       // for screen readers
	Description string  `json:"description"` // for screen readers
	Panels      []Panel `json:"panels"`
}

// Panel is a chart.
type Panel struct {
	Title  string   `json:"title"`
	X      Axis     `json:"x"`
	Y      Axis     `json:"y"`
	Series []Series `json:"series"` // at most three
}

// Axis labels a dimension. A linear axis of y begins at 0.
type Axis struct {
	Label string `json:"label"` // with the unit
	Log   bool   `json:"log,omitempty"`
}

// Series is a line. Its points are in the order of x.
type Series struct {
	Name   string  `json:"name,omitempty"` // "" if it is the only one
	Points []Point `json:"points"`
}

// Point is a measured value.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Sizes in pixels.
const (
	columns                  = 3
	panelWidth, panelHeight  = 320, 250
	left, right, top, bottom = 52, 24, 50, 50 // between the edges of a panel and its plot
	plotWidth                = panelWidth - left - right
	plotHeight               = panelHeight - top - bottom
	axisTicks                = 4 // about
)

const style = `  <style>
    .page { fill: #ffffff; }
    text { fill: #1f2328; font-size: 12px; }
    .title { font-size: 13px; font-weight: 600; }
    .axis { stroke: #57606a; fill: none; }
    .grid { stroke: #d0d7de; fill: none; }
    .line { fill: none; stroke-width: 2; }
    .s0 { stroke: #0969da; } .s1 { stroke: #bc4c00; stroke-dasharray: 6 3; } .s2 { stroke: #1a7f37; stroke-dasharray: 2 3; }
    .dot { stroke: none; } .dot.s0 { fill: #0969da; } .dot.s1 { fill: #bc4c00; } .dot.s2 { fill: #1a7f37; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; } text { fill: #e6edf3; }
      .axis { stroke: #8b949e; } .grid { stroke: #30363d; }
      .s0 { stroke: #58a6ff; } .s1 { stroke: #f0883e; } .s2 { stroke: #56d364; }
      .dot.s0 { fill: #58a6ff; } .dot.s1 { fill: #f0883e; } .dot.s2 { fill: #56d364; }
    }
  </style>
`

// Write writes the picture as SVG.
func (p *Picture) Write(to io.Writer) error {
	var out strings.Builder
	rows := (len(p.Panels) + columns - 1) / columns
	width, height := columns*panelWidth, rows*panelHeight
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif">`+"\n",
		width, height)
	fmt.Fprintf(&out, "  <title id=\"t\">%s</title>\n  <desc id=\"d\">%s</desc>\n", html.EscapeString(p.Title), html.EscapeString(p.Description))
	out.WriteString(style)
	fmt.Fprintf(&out, `  <rect class="page" width="%d" height="%d"/>`+"\n", width, height)
	for i := range p.Panels {
		fmt.Fprintf(&out, `  <g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, i/columns*panelHeight)
		p.Panels[i].write(&out)
		out.WriteString("  </g>\n")
	}
	out.WriteString("</svg>\n")
	_, err := io.WriteString(to, out.String())
	return err
}

func (p *Panel) write(out *strings.Builder) {
	text(out, "title", left, 20, "start", p.Title)
	x, y := p.scales()
	for _, tick := range y.ticks {
		at := top + plotHeight - y.place(tick)*plotHeight
		fmt.Fprintf(out, `    <path class="grid" d="M%d %sH%d"/>`+"\n", left, number(at), left+plotWidth)
		text(out, "", left-6, at+4, "end", label(tick))
	}
	for _, tick := range x.ticks {
		at := left + x.place(tick)*plotWidth
		fmt.Fprintf(out, `    <path class="axis" d="M%s %dv4"/>`+"\n", number(at), top+plotHeight)
		text(out, "", at, top+plotHeight+18, "middle", label(tick))
	}
	fmt.Fprintf(out, `    <path class="axis" d="M%d %dV%dH%d"/>`+"\n", left, top, top+plotHeight, left+plotWidth)
	text(out, "", left+plotWidth/2, panelHeight-12, "middle", p.X.Label)
	text(out, "", left, top-10, "start", p.Y.Label)

	for i, series := range p.Series {
		class := "s" + strconv.Itoa(i)
		var line strings.Builder
		for n, point := range series.Points {
			px, py := left+x.place(point.X)*plotWidth, top+plotHeight-y.place(point.Y)*plotHeight
			fmt.Fprintf(&line, "%s%s %s", map[bool]string{true: "M", false: "L"}[n == 0], number(px), number(py))
			fmt.Fprintf(out, `    <circle class="dot %s" cx="%s" cy="%s" r="3"/>`+"\n", class, number(px), number(py))
		}
		fmt.Fprintf(out, `    <path class="line %s" d="%s"/>`+"\n", class, line.String())
		if series.Name != "" {
			p.writeLegend(out, i, class)
		}
	}
}

// writeLegend names a series, between the title and the plot.
func (p *Panel) writeLegend(out *strings.Builder, i int, class string) {
	const lineLength, letter = 20, 7
	at := float64(panelWidth - right)
	for _, series := range p.Series[i:] {
		at -= float64(letter*len(series.Name)) + lineLength + 12
	}
	fmt.Fprintf(out, `    <path class="line %s" d="M%s %dh%d"/>`+"\n", class, number(at), top-14, lineLength)
	text(out, "", at+lineLength+4, top-10, "start", p.Series[i].Name)
}

func text(out *strings.Builder, class string, x, y float64, anchor, words string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(out, `    <text%s x="%s" y="%s" text-anchor="%s">%s</text>`+"\n", class, number(x), number(y), anchor, html.EscapeString(words))
}

// number formats a place in the picture, to a tenth of a pixel.
func number(value float64) string {
	return strconv.FormatFloat(math.Round(10*value)/10, 'f', -1, 64)
}

// label formats the value of a tick.
func label(value float64) string {
	for _, unit := range []struct {
		from float64
		name string
	}{{1e6, " M"}, {1e3, " k"}} {
		if value >= unit.from {
			return strconv.FormatFloat(value/unit.from, 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// scale maps the values of an axis to places between 0 and 1.
type scale struct {
	log       bool
	low, high float64
	ticks     []float64
}

func (s *scale) place(value float64) float64 {
	if s.log {
		return math.Log(value/s.low) / math.Log(s.high/s.low)
	}
	return (value - s.low) / (s.high - s.low)
}

// scales returns the scales of a panel.
func (p *Panel) scales() (x, y scale) {
	low, high := Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, series := range p.Series {
		for _, point := range series.Points {
			low = Point{min(low.X, point.X), min(low.Y, point.Y)}
			high = Point{max(high.X, point.X), max(high.Y, point.Y)}
		}
	}
	if !p.Y.Log {
		low.Y = 0
	}
	return newScale(p.X.Log, low.X, high.X), newScale(p.Y.Log, low.Y, high.Y)
}

// newScale returns a scale that includes low and high, with round ticks. A linear scale ends at a
// tick, a logarithmic one at powers of ten.
func newScale(log bool, low, high float64) scale {
	if log {
		s := scale{log: true, low: math.Pow10(int(math.Floor(math.Log10(low)))), high: math.Pow10(int(math.Ceil(math.Log10(high))))}
		if s.high <= s.low {
			s.high = 10 * s.low
		}
		for tick := s.low; tick <= s.high*1.001; tick *= 10 {
			s.ticks = append(s.ticks, tick)
		}
		return s
	}
	step := math.Pow10(int(math.Floor(math.Log10(max(high-low, 1e-9) / axisTicks))))
	for _, factor := range []float64{2, 5, 10} {
		if (high-low)/step <= axisTicks+1 {
			break
		}
		step = factor * math.Pow10(int(math.Floor(math.Log10((high-low)/axisTicks))))
	}
	first := math.Floor(low / step)
	last := max(math.Ceil(high/step), first+1)
	s := scale{low: first * step, high: last * step}
	for n := first; n <= last; n++ {
		// Rounded, so that three tenths are not 0.30000000000000004.
		s.ticks = append(s.ticks, math.Round(n*step*1e6)/1e6)
	}
	return s
}
