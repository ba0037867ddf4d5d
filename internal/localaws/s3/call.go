package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// call is a request together with the facts derived from its method, path and query.
type call struct {
	Request
	http    *http.Request
	version string // versionId, if given
	tagging bool   // the request is about the tags of an object
	upload  bool   // the request belongs to a multipart upload
}

// knownParameters are the query parameters that the server understands. Requests with other
// parameters are refused, because a parameter can change the meaning of a request.
var knownParameters = []string{
	"continuation-token", "delete", "delimiter", "encoding-type", "fetch-owner", "key-marker", "list-type", "location",
	"marker", "max-keys", "max-parts", "max-uploads", "part-number-marker", "partNumber", "prefix", "start-after",
	"tagging", "upload-id-marker", "uploadId", "uploads", "version-id-marker", "versionId", "versioning", "versions",
	"x-id",
}

// parse analyses a request. It returns a fault if the server does not support the operation.
func parse(r *http.Request) (*call, *Fault) {
	query := r.URL.Query()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c := &call{
		Request: Request{Method: r.Method, bucket: bucket, Key: key, accessKey: accessKey(r)},
		http:    r,
		version: query.Get("versionId"),
		tagging: query.Has("tagging") && key != "",
		upload:  query.Has("uploadId") || query.Has("uploads"),
	}
	if c.version == "null" {
		c.version = ""
	}

	for name := range query {
		signed := strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "response-")
		if !signed && !slices.Contains(knownParameters, name) {
			return c, notImplemented("the query parameter " + name)
		}
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return c, notImplemented("a body in signed chunks")
	}
	if match := r.Header.Get("If-None-Match"); r.Method == http.MethodPut && match != "" && match != "*" {
		return c, notImplemented("If-None-Match other than *")
	}

	if c.action = c.iamAction(query); c.action == "" {
		return c, &Fault{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
			Message: "The specified method is not allowed against this resource."}
	}
	return c, nil
}

func notImplemented(feature string) *Fault {
	return &Fault{Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "The local S3 does not implement " + feature + "."}
}

// accessKey returns the access key that signed the request, or "" if it is anonymous.
func accessKey(r *http.Request) string {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, found := strings.Cut(r.Header.Get("Authorization"), "Credential="); found {
		credential = after
	}
	key, _, _ := strings.Cut(credential, "/")
	return key
}

// iamAction returns the IAM action that the request needs, or "" if S3 has no such operation.
func (c *call) iamAction(query url.Values) string {
	switch {
	case c.bucket == "" && c.Method == http.MethodGet:
		return "s3:ListAllMyBuckets"
	case c.bucket == "":
		return ""
	case c.Key == "":
		return c.bucketAction(query)
	case c.tagging && c.version != "":
		return map[string]string{http.MethodGet: "s3:GetObjectVersionTagging",
			http.MethodPut: "s3:PutObjectVersionTagging"}[c.Method]
	case c.tagging:
		return map[string]string{http.MethodGet: "s3:GetObjectTagging", http.MethodPut: "s3:PutObjectTagging"}[c.Method]
	case c.upload:
		return map[string]string{http.MethodGet: "s3:ListMultipartUploadParts", http.MethodDelete: "s3:AbortMultipartUpload",
			http.MethodPut: "s3:PutObject", http.MethodPost: "s3:PutObject"}[c.Method]
	}
	action := map[string]string{http.MethodGet: "s3:GetObject", http.MethodHead: "s3:GetObject",
		http.MethodPut: "s3:PutObject", http.MethodDelete: "s3:DeleteObject"}[c.Method]
	if c.version != "" && action != "" {
		action += "Version"
	}
	return action
}

func (c *call) bucketAction(query url.Values) string {
	switch c.Method {
	case http.MethodPut:
		if query.Has("versioning") {
			return "s3:PutBucketVersioning"
		}
		return "s3:CreateBucket"
	case http.MethodDelete:
		return "s3:DeleteBucket"
	case http.MethodHead:
		return "s3:ListBucket"
	case http.MethodPost:
		if query.Has("delete") {
			return "s3:DeleteObject"
		}
		return ""
	case http.MethodGet:
		for parameter, action := range map[string]string{
			"versioning": "s3:GetBucketVersioning", "location": "s3:GetBucketLocation",
			"versions": "s3:ListBucketVersions", "uploads": "s3:ListBucketMultipartUploads",
		} {
			if query.Has(parameter) {
				return action
			}
		}
		return "s3:ListBucket"
	}
	return ""
}

// forward returns the request for gofakes3. HEAD of an object becomes GET, because gofakes3
// ignores the version in a HEAD. The HTTP server omits the body of the response.
func (c *call) forward() *http.Request {
	if c.Method != http.MethodHead || c.Key == "" {
		return c.http
	}
	get := c.http.Clone(c.http.Context())
	get.Method = http.MethodGet
	return get
}

// resource returns the resource of the request as policies name it.
func (c *call) resource() string {
	if c.Key == "" {
		return c.bucket
	}
	return c.bucket + "/" + c.Key
}
