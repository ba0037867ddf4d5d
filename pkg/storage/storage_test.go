package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

func TestSwap(t *testing.T) {
	t.Parallel()
	errRead := errors.New("unavailable")
	for _, tc := range []struct {
		name     string
		write    error
		stored   int
		read     error
		want     error
		wantRead bool
	}{
		{name: "written"},
		{name: "failed", write: errRead, want: errRead},
		{name: "reply lost", write: storage.ErrConflict, stored: 2, wantRead: true},
		{name: "another writer", write: storage.ErrConflict, stored: 3, want: storage.ErrConflict, wantRead: true},
		{name: "unknown", write: storage.ErrConflict, read: errRead, want: errRead, wantRead: true},
	} {
		read := false
		err := storage.Swap(
			func() error { return tc.write },
			func() (int, error) { read = true; return tc.stored, tc.read },
			func(stored int) bool { return stored == 2 },
		)
		if !errors.Is(err, tc.want) || read != tc.wantRead {
			t.Errorf("%s: error %v, want %v; read is %v", tc.name, err, tc.want, read)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	attempts := 0
	err := storage.Retry("counting", func() error {
		if attempts++; attempts < 3 {
			return fmt.Errorf("attempt %d: %w", attempts, storage.ErrConflict)
		}
		return nil
	})
	if err != nil || attempts != 3 {
		t.Errorf("error %v after %d attempts", err, attempts)
	}

	attempts = 0
	err = storage.Retry("counting", func() error { attempts++; return storage.ErrConflict })
	if !errors.Is(err, storage.ErrConflict) || attempts != 10 {
		t.Errorf("error %v after %d attempts, want a conflict after 10", err, attempts)
	}
}
