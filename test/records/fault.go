package main

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// storeFault is a fault of the index store. The index in service must stay.
type storeFault struct {
	name string
	make func(s *store, next *published) fault // next is an index that must not be taken
}

// storeFaults are the faults in the order in which the rounds use them.
var storeFaults = []storeFault{
	{"the index store answers 500", func(*store, *published) fault {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	}},
	{"the index store answers nothing", func(s *store, _ *published) fault { return s.hang }},
	{"the index store resets connections", func(*store, *published) fault {
		return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	}},
	{"the index pointer is garbage", func(_ *store, next *published) fault {
		return serve(bytes.Repeat([]byte("{\"generation\":"), 100), next.object)
	}},
	{"the pointer names an index that is missing", func(_ *store, next *published) fault {
		return serve(pointer(next), nil)
	}},
	{"the index is cut", func(_ *store, next *published) fault {
		return serve(pointer(next), next.object[:len(next.object)/2])
	}},
	{"a bit of the index is wrong", func(_ *store, next *published) fault {
		wrong := bytes.Clone(next.object)
		wrong[len(wrong)/3] ^= 1
		return serve(pointer(next), wrong)
	}},
	{"access to the index is denied", func(*store, *published) fault {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	}},
}

func pointer(p *published) []byte {
	current := p.current
	current.RenewedAt = time.Now()
	text, err := current.Encode()
	if err != nil {
		panic(err) // build made it valid
	}
	return text
}

// serve serves a pointer and an index object, or 404 if it is nil.
func serve(pointer, object []byte) fault {
	return func(w http.ResponseWriter, r *http.Request) {
		body := object
		if strings.HasSuffix(r.URL.Path, index.CurrentKey) {
			body = pointer
		}
		if body == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", `"fault"`)
		_, _ = w.Write(body) // the client may give up
	}
}
