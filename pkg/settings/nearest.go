package settings

import (
	"slices"
	"strings"
)

// nearest returns the candidate with the fewest edits from name, ignoring case.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int {
		return Edits(name, a) - Edits(name, b)
	})
}

// maxEditBytes bounds the name that is compared, because the work grows with the product of
// the lengths.
const maxEditBytes = 64

// Edits returns the Levenshtein distance of two words, ignoring case.
func Edits(a, b string) int {
	a, b = strings.ToLower(a[:min(len(a), maxEditBytes)]), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
