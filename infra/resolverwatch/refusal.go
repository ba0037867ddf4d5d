package resolverwatch

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/aws/constructs-go/constructs/v10"
)

// refusal is the error of a construct that was not defined: one problem per line, each with
// the path of the construct.
type refusal struct{ lines []string }

func (r *refusal) Error() string { return strings.Join(r.lines, "\n") }

// refuse returns a refusal with the problems of the construct at path.
func refuse(path string, problems error) *refusal {
	r := &refusal{}
	r.add(path, problems)
	return r
}

// add adds the problems of the construct at path. It accepts nil.
func (r *refusal) add(path string, problems error) {
	for _, problem := range each(problems) {
		r.lines = append(r.lines, path+": "+problem.Error())
	}
}

// each returns the errors that were joined into err.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}

// unsetError is a required prop that is not set.
type unsetError struct{ prop string }

func (e *unsetError) Error() string { return e.prop + ": must be set" }

// exceptUnset returns the problems without those of the listed props that are still to be
// set.
func exceptUnset(err error, props ...string) error {
	var rest []error
	for _, problem := range each(err) {
		var unset *unsetError
		if !errors.As(problem, &unset) || !slices.Contains(props, unset.prop) {
			rest = append(rest, problem)
		}
	}
	return errors.Join(rest...)
}

// explain is deferred by every constructor. It adds the path of the construct to a panic of
// the CDK, whose own text often does not say which construct it is about.
func explain(scope constructs.Construct, id string) {
	cause := recover()
	if cause != nil && scope == nil {
		panic(refuse(id, errors.New("scope: must be set: pass a stack, or a construct in a stack")))
	}
	switch cause.(type) {
	case nil:
	case *refusal, runtime.Error: // a refusal already has a path; a runtime error needs its stack trace
		panic(cause)
	default:
		path := strings.TrimPrefix(*scope.Node().Path()+"/"+id, "/")
		panic(refuse(path, errors.New(oneLine(fmt.Sprint(cause)))))
	}
}

// drawing are the characters with which jsii draws its trees of reasons.
const drawing = "├│╰─🛑🔍 \t"

// oneLine shortens the text of a CDK panic to what a person needs: if jsii drew a tree, the
// prop and the reason at its end. Stack traces and values are left out.
func oneLine(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), drawing))
		skip := line == "" || strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "Failing value") ||
			strings.HasPrefix(line, "Failure reason") || strings.ContainsAny(line[:1], "{[")
		if !skip {
			parts = append(parts, strings.TrimSuffix(line, "..."))
		}
	}
	return strings.Join(parts, "; ")
}
