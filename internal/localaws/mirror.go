package localaws

import (
	"fmt"
	"os"
	"path/filepath"
)

// Save writes the current objects of a bucket whose keys begin with prefix as files
// under dir, a file's path being its key, and returns how many there were. Keys that
// would lead out of dir are an error.
func (s *Stack) Save(bucket, prefix, dir string) (files int, err error) {
	for object := range s.objects.Objects(bucket, prefix) {
		path := filepath.FromSlash(object.Key)
		if !filepath.IsLocal(path) {
			return files, fmt.Errorf("saving %s/%s: the key is no path inside a folder", bucket, object.Key)
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for users to look at
			return files, err
		}
		if err := os.WriteFile(path, object.Body, 0o644); err != nil { //nolint:gosec // as above
			return files, err
		}
		files++
	}
	return files, nil
}

// Objects returns the current objects of a bucket whose keys begin with prefix, in
// the order of their keys.
func (s *Stack) Objects(bucket, prefix string) (objects []Object) {
	for object := range s.objects.Objects(bucket, prefix) {
		objects = append(objects, Object{Key: object.Key, Body: object.Body})
	}
	return objects
}

// Object is an object of a bucket. Its body must not be changed.
type Object struct {
	Key  string
	Body []byte
}
