package recorder

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// nameS3 names a request to S3 with the bucket in the path. An operation that is not listed
// here is an error.
func nameS3(request *http.Request, body []byte) ([]permission.Call, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	query := request.URL.Query()
	switch {
	case bucket == "":
		return nil, errors.New("the request names no bucket")
	case key == "":
		return nameBucket(request.Method, "arn:aws:s3:::"+bucket, query, body)
	}
	return nameObject(request, "arn:aws:s3:::"+bucket+"/"+key, query)
}

func nameBucket(method, bucket string, query url.Values, body []byte) ([]permission.Call, error) {
	one := func(action string) ([]permission.Call, error) {
		context := map[string][]string{}
		if prefix, given := query["prefix"]; given {
			context["s3:prefix"] = prefix
		}
		return []permission.Call{{Action: action, Resource: bucket, Context: context}}, nil
	}
	switch {
	case method == http.MethodGet && query.Get("list-type") == "2", method == http.MethodHead:
		return one("s3:ListBucket")
	case method == http.MethodGet && query.Has("versions"):
		return one("s3:ListBucketVersions")
	case method == http.MethodGet && query.Has("uploads"):
		return one("s3:ListBucketMultipartUploads")
	case method == http.MethodGet && query.Has("location"):
		return one("s3:GetBucketLocation")
	case method == http.MethodPost && query.Has("delete"):
		return nameDeletes(bucket, body)
	}
	return nil, errors.New("the operation on a bucket is not supported")
}

func nameDeletes(bucket string, body []byte) ([]permission.Call, error) {
	var in struct {
		Object []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		}
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	var calls []permission.Call
	for _, object := range in.Object {
		action := versioned("s3:DeleteObject", object.VersionID)
		calls = append(calls, permission.Call{Action: action, Resource: bucket + "/" + object.Key})
	}
	return calls, nil
}

func nameObject(request *http.Request, object string, query url.Values) ([]permission.Call, error) {
	one := func(action string) []permission.Call {
		return []permission.Call{{Action: action, Resource: object}}
	}
	version := query.Get("versionId")
	switch method := request.Method; {
	case method == http.MethodGet && query.Has("tagging"):
		if version != "" {
			return one("s3:GetObjectVersionTagging"), nil
		}
		return one("s3:GetObjectTagging"), nil
	case query.Has("acl"), query.Has("tagging"), query.Has("retention"), query.Has("legal-hold"), query.Has("attributes"),
		request.Header.Get("X-Amz-Copy-Source") != "":
		return nil, errors.New("the operation on an object is not supported")
	case method == http.MethodGet, method == http.MethodHead:
		return one(versioned("s3:GetObject", version)), nil
	case method == http.MethodDelete && query.Has("uploadId"):
		return one("s3:AbortMultipartUpload"), nil
	case method == http.MethodDelete:
		return one(versioned("s3:DeleteObject", version)), nil
	case method == http.MethodPut, method == http.MethodPost && (query.Has("uploads") || query.Has("uploadId")):
		calls := one("s3:PutObject")
		if request.Header.Get("X-Amz-Tagging") != "" {
			calls = append(calls, one("s3:PutObjectTagging")...)
		}
		return calls, nil
	}
	return nil, errors.New("the operation on an object is not supported")
}

// versioned returns the action on a version of an object, if the request names one.
func versioned(action, version string) string {
	if version != "" {
		return action + "Version"
	}
	return action
}
