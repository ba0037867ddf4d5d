package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kinds are the prefixes of the functions that the go command runs as tests.
var kinds = []string{"Test", "Fuzz", "Example", "Benchmark"}

// find returns the tests in a tree, sorted, as "folder.Name", with the build constraint of
// their file if it has one: "folder.Name (!race)". It parses the files instead of asking the
// go command, which is fast and covers every module and every build tag. Like the go command
// it ignores folders named testdata and those that begin with a dot.
func find(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path != root && (name == "testdata" || name == "node_modules" || name[0] == '.') {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		names, constraint, err := testsOf(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, name := range names {
			found = append(found, filepath.ToSlash(folder)+"."+name+constraint)
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there are no tests in %s", root)
	}
	slices.Sort(found)
	return found, err
}

// testsOf returns the names of the tests in a file, and its build constraint in brackets
// after a space, or "".
func testsOf(path string) (names []string, constraint string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, "", err
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if text, ok := strings.CutPrefix(comment.Text, "//go:build "); ok && comment.Pos() < file.Package {
				constraint = " (" + text + ")"
			}
		}
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if ok && function.Recv == nil && isTest(function.Name.Name) {
			names = append(names, function.Name.Name)
		}
	}
	return names, constraint, nil
}

// isTest reports whether the go command runs a function with this name: Test, TestName and
// Test_name are tests, Testify is not.
func isTest(name string) bool {
	if name == "TestMain" {
		return false
	}
	return slices.ContainsFunc(kinds, func(kind string) bool {
		rest, ok := strings.CutPrefix(name, kind)
		first, _ := utf8.DecodeRuneInString(rest)
		return ok && (rest == "" || !unicode.IsLower(first))
	})
}
