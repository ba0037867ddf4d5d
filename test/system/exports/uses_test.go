package exports_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// uses knows which names of a module's packages other packages of it use. Tests are not
// loaded, so they are not users.
type uses struct {
	module     string
	packages   []*packages.Package
	used       map[types.Object]bool
	interfaces map[*types.Interface]bool // those that the code mentions, or passes values as
}

// loadUses loads the packages that match patterns in the module at folder.
func loadUses(folder, module string, patterns ...string) (*uses, error) {
	loaded, err := packages.Load(&packages.Config{
		Dir: folder,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo,
	}, patterns...)
	if err != nil {
		return nil, fmt.Errorf("loading %v: %w", patterns, err)
	}

	u := &uses{
		module:     module,
		packages:   loaded,
		used:       map[types.Object]bool{},
		interfaces: map[*types.Interface]bool{},
	}
	for _, pkg := range loaded {
		if len(pkg.Errors) > 0 {
			return nil, fmt.Errorf("loading %s: %w", pkg.PkgPath, pkg.Errors[0])
		}
		u.addNames(pkg)
		u.addInterfaces(pkg)
	}
	for object := range maps.Clone(u.used) {
		u.addTypesOf(object)
	}
	return u, nil
}

// addNames adds the names of other packages that pkg uses.
func (u *uses) addNames(pkg *packages.Package) {
	add := func(object types.Object) {
		if object.Pkg() != pkg.Types && u.isOwn(object) {
			u.used[origin(object)] = true
		}
	}

	for _, object := range pkg.TypesInfo.Uses {
		add(object)
	}
	for _, selection := range pkg.TypesInfo.Selections {
		for _, field := range embeddedFields(selection) {
			add(field)
		}
	}
	for expression, value := range pkg.TypesInfo.Types {
		if literal, ok := expression.(*ast.CompositeLit); ok {
			for _, field := range fieldsWithoutKey(literal, value.Type) {
				add(field)
			}
		}
	}
}

func (u *uses) isOwn(object types.Object) bool {
	return object.Pkg() != nil && strings.HasPrefix(object.Pkg().Path(), u.module+"/")
}

// origin returns the declaration of a member of a generic type.
func origin(object types.Object) types.Object {
	switch object := object.(type) {
	case *types.Var:
		return object.Origin()
	case *types.Func:
		return object.Origin()
	}
	return object
}

// embeddedFields returns the fields that a selection goes through without naming them.
func embeddedFields(selection *types.Selection) []types.Object {
	var fields []types.Object
	path, current := selection.Index(), selection.Recv()
	for _, index := range path[:len(path)-1] {
		if pointer, ok := current.Underlying().(*types.Pointer); ok {
			current = pointer.Elem()
		}
		structure, ok := current.Underlying().(*types.Struct)
		if !ok {
			break
		}
		field := structure.Field(index)
		fields, current = append(fields, field), field.Type()
	}
	return fields
}

// fieldsWithoutKey returns the fields that a literal sets by their position.
func fieldsWithoutKey(literal *ast.CompositeLit, t types.Type) []types.Object {
	structure, ok := t.Underlying().(*types.Struct)
	if !ok || len(literal.Elts) == 0 {
		return nil
	}
	if _, ok := literal.Elts[0].(*ast.KeyValueExpr); ok {
		return nil
	}

	var fields []types.Object
	for field := range structure.Fields() {
		fields = append(fields, field)
	}
	return fields
}

// addInterfaces adds the interfaces that pkg mentions, and those in the signatures of the
// functions that it mentions.
func (u *uses) addInterfaces(pkg *packages.Package) {
	addOne := func(t types.Type) {
		if found, ok := t.Underlying().(*types.Interface); ok && found.NumMethods() > 0 {
			u.interfaces[found] = true
		}
	}
	add := func(t types.Type) {
		if t == nil {
			return
		}
		addOne(t)
		if signature, ok := t.Underlying().(*types.Signature); ok {
			for parameter := range signature.Params().Variables() {
				addOne(parameter.Type())
			}
			for result := range signature.Results().Variables() {
				addOne(result.Type())
			}
		}
	}

	for _, value := range pkg.TypesInfo.Types {
		add(value.Type)
	}
	for _, object := range pkg.TypesInfo.Uses {
		add(object.Type())
	}
}

// addTypesOf adds the types in the declaration of a used name. The caller of a function holds
// values of its types, even if it does not write their names.
func (u *uses) addTypesOf(object types.Object) {
	if !u.isOwn(object) {
		return
	}
	declared := object.Type()
	if name, ok := object.(*types.TypeName); ok && !name.IsAlias() {
		declared = declared.Underlying()
	}

	structure, ok := declared.(*types.Struct)
	if !ok {
		u.addTypesIn(declared)
		return
	}
	if isEncoded(structure) { // else only the fields with users count
		for field := range structure.Fields() {
			u.addTypesIn(field.Type())
		}
	}
}

func (u *uses) addTypesIn(t types.Type) {
	switch t := t.(type) {
	case *types.Named:
		u.addType(t.Obj())
		for argument := range t.TypeArgs().Types() {
			u.addTypesIn(argument)
		}
	case *types.Alias:
		u.addType(t.Obj())
		u.addTypesIn(types.Unalias(t))
	case *types.Signature:
		u.addTypesIn(t.Params())
		u.addTypesIn(t.Results())
	case *types.Tuple:
		for variable := range t.Variables() {
			u.addTypesIn(variable.Type())
		}
	case *types.Interface:
		for method := range t.Methods() {
			u.addTypesIn(method.Type())
		}
	case *types.Map:
		u.addTypesIn(t.Key())
		u.addTypesIn(t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays and channels
		u.addTypesIn(t.Elem())
	}
}

func (u *uses) addType(name *types.TypeName) {
	if u.isOwn(name) && !u.used[name] {
		u.used[name] = true
		u.addTypesOf(name)
	}
}

// isEncoded reports whether a struct has tags. Its fields are members of JSON or XML, which
// reflection reads.
func isEncoded(structure *types.Struct) bool {
	for i := range structure.NumFields() {
		if structure.Tag(i) != "" {
			return true
		}
	}
	return false
}

// without returns the exported names that no other package uses, sorted. They are written as
// in pkg/feed.Report.Bytes.
func (u *uses) without() []string {
	var found []string
	for _, pkg := range u.packages {
		folder := strings.TrimPrefix(pkg.PkgPath, u.module+"/")
		enumerated := u.enumerated(pkg)
		for _, name := range pkg.Types.Scope().Names() {
			object := pkg.Types.Scope().Lookup(name)
			if !object.Exported() {
				continue
			}
			if !u.used[object] && !enumerated[object] {
				found = append(found, folder+"."+name)
			}
			for _, member := range u.membersWithout(object) {
				found = append(found, folder+"."+name+"."+member)
			}
		}
	}
	slices.Sort(found)
	return found
}

// membersWithout returns the exported fields and methods of a type that no other package
// uses. The methods of an interface count with it, because another package implements or
// calls them.
func (u *uses) membersWithout(object types.Object) []string {
	name, ok := object.(*types.TypeName)
	if !ok || name.IsAlias() {
		return nil
	}

	var found []string
	named := name.Type().(*types.Named)
	if structure, ok := named.Underlying().(*types.Struct); ok && !isEncoded(structure) {
		for field := range structure.Fields() {
			if field.Exported() && !field.Embedded() && !u.used[field] {
				found = append(found, field.Name())
			}
		}
	}
	for method := range named.Methods() {
		if method.Exported() && !u.used[method] && !u.isInInterface(method.Name(), named) {
			found = append(found, method.Name())
		}
	}
	return found
}

// calledByReflection are methods that the standard library looks for in values that it gets
// as any or error.
var calledByReflection = []string{
	"As", "Error", "Format", "GoString", "Is", "LogValue", "MarshalJSON", "MarshalText", "String", "UnmarshalJSON", "UnmarshalText",
	"Unwrap",
}

// isInInterface reports whether a type has a method because of an interface.
func (u *uses) isInInterface(method string, named *types.Named) bool {
	if slices.Contains(calledByReflection, method) {
		return true
	}
	pointer := types.NewPointer(named)
	for candidate := range u.interfaces {
		for declared := range candidate.Methods() {
			if declared.Name() == method && types.Implements(pointer, candidate) {
				return true
			}
		}
	}
	return false
}

// enumerated returns the constants that are declared in one group with a used constant of the
// same type.
func (u *uses) enumerated(pkg *packages.Package) map[types.Object]bool {
	found := map[types.Object]bool{}
	for _, file := range pkg.Syntax {
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, members := range enumerations(group, pkg.TypesInfo) {
				isUsed := slices.ContainsFunc(members, func(member types.Object) bool { return u.used[member] })
				for _, member := range members {
					found[member] = found[member] || isUsed
				}
			}
		}
	}
	return found
}

// enumerations returns the constants of a group by their declared type.
func enumerations(group *ast.GenDecl, info *types.Info) map[types.Type][]types.Object {
	byType := map[types.Type][]types.Object{}
	for _, spec := range group.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			object := info.Defs[name]
			if named, ok := object.Type().(*types.Named); ok {
				byType[named] = append(byType[named], object)
			}
		}
	}
	return byType
}
