package main

import "testing"

// The index and the matcher agree on names, names below them, and names that only look alike.
func TestCompare(t *testing.T) {
	x, matcher, _, err := build([]string{"evil.example", "bad.evil.example", "other.test"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := compare(x, matcher, []string{
		"evil.example", "www.evil.example", "a.bad.evil.example", "other.test", // listed
		"notevil.example", "example", "test", "evil.example.test",
	})
	if err != nil || f.Hits != 4 {
		t.Errorf("%d hits, %v; want 4", f.Hits, err)
	}
}
