package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"time"
)

// Proof is all that was run, as it is written to prove.json.
type Proof struct {
	Proven  bool      `json:"proven"`
	Started time.Time `json:"started"`
	Minutes float64   `json:"minutes"`
	Commit  string    `json:"commit"`
	Changed bool      `json:"changed"` // files differ from the commit
	Go      string    `json:"go"`
	System  string    `json:"system"`
	Tables  []*Table  `json:"tables"`
	Records *Records  `json:"records,omitempty"`
}

// Records is what the page needs from the report of the command records.
type Records struct {
	Seed    uint64  `json:"seed"`
	Records int     `json:"records"`
	Batches int     `json:"batches"`
	Seconds float64 `json:"seconds"`
	Wrong   bool    `json:"wrong"` // an answer was wrong, or the memory grew
	Counts  struct {
		Objects, Malicious, Allowed, Clean, Unknown, Failed, NoRoom int
	} `json:"counts"`
	Parts []struct {
		Name    string `json:"name"`
		Records int    `json:"records"`
	} `json:"parts"`
	Memory []struct {
		Percent int     `json:"percent"`
		MiB     float64 `json:"miB"`
	} `json:"memory"`
	PeakMiB float64 `json:"peakMiB"`
}

func readRecords(path string) (*Records, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Records
	return &r, json.Unmarshal(text, &r)
}

// finish sets what follows from the rest.
func (p *Proof) finish() {
	p.Minutes = time.Since(p.Started).Minutes()
	p.Proven = p.Records == nil || !p.Records.Wrong
	for _, t := range p.Tables {
		p.Proven = p.Proven && t.passed() == len(t.Rows)
	}
}

//go:embed page.html
var pageText string

// page is the page for reviewers. It needs no other file.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"passed": func(t *Table) int { return t.passed() },
	"count":  groupDigits,
	"whole":  func(f float64) string { return fmt.Sprintf("%.0f", f) },
}).Parse(pageText))

// groupDigits returns a number with a comma before every three digits.
func groupDigits(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// write writes prove.html and prove.json into a folder.
func (p *Proof) write(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := page.Execute(&html, p); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"prove.json": append(text, '\n'), "prove.html": html.Bytes()} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
		fmt.Println("wrote", filepath.Join(folder, name))
	}
	return nil
}
