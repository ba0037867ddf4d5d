package settings

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxSettings is how many settings a deployment may have. A new one needs a user who asked
// for it or a limit of AWS; the rest are constants. It was raised from 65 for new parts: alerts,
// hunts, monitoring and logs in S3, for the bounds of reach, and for compaction, which costs more than
// it saves in a small deployment.
const maxSettings = 114

func TestFields_count(t *testing.T) {
	t.Parallel()
	if got := len(Fields(reflect.TypeFor[Deployment]())); got > maxSettings {
		t.Errorf("%d settings, want at most %d", got, maxSettings)
	}
}

func TestFields_paths(t *testing.T) {
	t.Parallel()
	var paths []string
	for _, field := range Fields(reflect.TypeFor[Deployment]()) {
		paths = append(paths, field.Path)
	}
	for _, want := range []string{
		"stackName", "tags.<key>", "logLevel", "logRetentionDays", "importer.guards.shrinkPercent", "importer.listKey",
		"feeds.<feed id>.url", "transformer.pollInterval", "delivery.existingStream", "queryLogging.vpcIds",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("no setting %s", want)
		}
	}
	if slices.Sort(paths); len(slices.Compact(paths)) != len(paths) {
		t.Errorf("a path occurs twice: %q", paths)
	}
}

// declarations are all structs that declare settings.
var declarations = []reflect.Type{
	reflect.TypeFor[Deployment](),
	reflect.TypeFor[ImporterFunction](),
	reflect.TypeFor[TransformerFunction](),
	reflect.TypeFor[HunterFunction](),
}

// encoding/json sees the same members, which matters where a field of a struct takes the place
// of one with the same name in a struct that it embeds.
func TestMembers_asInJSON(t *testing.T) {
	t.Parallel()
	for _, kind := range declarations {
		t.Run(kind.Name(), func(t *testing.T) {
			t.Parallel()
			section := reflect.New(kind)
			Fill(section.Interface())
			text, err := json.Marshal(section.Interface())
			if err != nil {
				t.Fatal(err)
			}
			var object map[string]json.RawMessage
			if err := json.Unmarshal(text, &object); err != nil {
				t.Fatal(err)
			}
			want := map[string]json.RawMessage{}
			for _, field := range Members(kind) {
				if _, twice := want[JSONName(field)]; twice {
					t.Errorf("two members %s", JSONName(field))
				}
				value, err := json.Marshal(section.Elem().FieldByIndex(field.Index).Interface())
				if err != nil {
					t.Fatal(err)
				}
				want[JSONName(field)] = value
			}
			if diff := cmp.Diff(want, object); diff != "" {
				t.Errorf("Members (-) and encoding/json (+):\n%s", diff)
			}
		})
	}
}

// Every default and bound has the type of its setting, and every default is allowed.
func TestFields_tags(t *testing.T) {
	t.Parallel()
	for _, kind := range declarations {
		for _, field := range Fields(kind) {
			t.Run(kind.Name()+"/"+field.Path, func(t *testing.T) {
				t.Parallel()
				value := reflect.New(field.Type).Elem()
				for _, tag := range []string{tagMin, tagMax} {
					text, found := field.Tag.Lookup(tag)
					if !found {
						continue
					}
					if err := setText(value, text); err != nil {
						t.Fatalf("%s: %v", tag, err)
					}
					if rule := Broken(field.StructField, value); rule != "" {
						t.Errorf("the %s itself %s", tag, rule)
					}
				}

				text, found := field.Tag.Lookup(tagDefault)
				if !found {
					return
				}
				if err := setText(value, text); err != nil {
					t.Fatalf("default: %v", err)
				}
				if rule := Broken(field.StructField, value); rule != "" {
					t.Errorf("default %q: %s", text, rule)
				}
				if field.Tag.Get(tagUnset) != "" {
					t.Error("has a default, and words about being unset")
				}
			})
		}
	}
}

// A number without bounds would accept values below 0. A tag that is misspelled has no
// effect.
func TestFields_complete(t *testing.T) {
	t.Parallel()
	known := []string{"json", tagDefault, tagUnset, tagMin, tagMax, tagOneOf, tagAnyCase, tagRequired, tagWas, tagLegacy}
	for _, kind := range declarations {
		for _, field := range Fields(kind) {
			bounded := field.Tag.Get(tagMin) != "" || field.Tag.Get(tagOneOf) != ""
			switch describe(field.Type) {
			case "text", "true or false", "a list", "an object":
			default:
				if !bounded {
					t.Errorf("%s.%s: has no bounds", kind.Name(), field.Path)
				}
			}
			for _, tag := range regexp.MustCompile(`(\w+):"`).FindAllStringSubmatch(string(field.Tag), -1) {
				if !slices.Contains(known, tag[1]) {
					t.Errorf("%s.%s: unknown tag %s", kind.Name(), field.Path, tag[1])
				}
			}
		}
	}
}

// A zero value is unset, so a number that could be 0 would silently get its default.
func TestFields_zeroIsUnset(t *testing.T) {
	t.Parallel()
	for _, field := range Fields(reflect.TypeFor[Deployment]()) {
		isNumber := field.Type.Kind() == reflect.Int || field.Type.Kind() == reflect.Int64 || field.Type.Kind() == reflect.Float64
		if isNumber && len(oneOf(field.StructField)) == 0 && Broken(field.StructField, reflect.Zero(field.Type)) == "" {
			t.Errorf("%s: allows 0, so it must be a pointer", field.Path)
		}
	}
}

// An earlier name must not be the name of a setting today.
func TestFields_earlierNames(t *testing.T) {
	t.Parallel()
	sections := []reflect.Type{reflect.TypeFor[Transformer](), reflect.TypeFor[DeliverySection](), reflect.TypeFor[Deployment]()}
	for _, section := range sections {
		for _, field := range Members(section) {
			for name := range strings.FieldsSeq(field.Tag.Get(tagWas)) {
				if _, found := Member(section, name); found {
					t.Errorf("%s.%s: %s is a setting", section.Name(), JSONName(field), name)
				}
				if got := Renamed(section, name); !strings.HasPrefix(got, "is now "+JSONName(field)+", ") {
					t.Errorf("%s.%s: %s %s", section.Name(), JSONName(field), name, got)
				}
			}
		}
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	deployment := Default[Deployment]()
	if deployment.StackName != DefaultStack {
		t.Errorf("stackName is %q, the constant says %q", deployment.StackName, DefaultStack)
	}
	transformer := Default[TransformerFunction]()
	if got := transformer.MaxIndexBytes(); got != Default[ImporterFunction]().MaxIndexBytes {
		t.Errorf("a transformer loads indexes of %d bytes, the importer publishes %d", got, Default[ImporterFunction]().MaxIndexBytes)
	}
	if diff := cmp.Diff(DefaultGuards().ListGuards, deployment.Importer.Guards); diff != "" {
		t.Error(diff)
	}
	if problems := Check(deployment); len(problems) > 0 {
		t.Errorf("the defaults are not allowed: %v", problems)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	type inner struct {
		Length Duration `json:"length" default:"1m"`
	}
	type section struct {
		inner
		Word   string  `json:"word" default:"a"`
		Flag   *bool   `json:"flag" default:"true"`
		Ratio  float64 `json:"ratio" default:"0.5"`
		Bytes  int64   `json:"bytes" default:"7"`
		Memory int     `json:"-" default:"256"`
		Below  inner   `json:"below"`
		Other  string  `json:"other"`
	}
	no := false
	for name, tc := range map[string]struct{ in, want section }{
		"unset": {
			in: section{},
			want: section{
				inner: inner{Length: 60e9}, Word: "a", Flag: new(true), Ratio: 0.5, Bytes: 7, Memory: 256, Below: inner{Length: 60e9},
			},
		},
		"set": {
			in:   section{Word: "b", Flag: &no, Memory: 1, Below: inner{Length: 1}},
			want: section{inner: inner{Length: 60e9}, Word: "b", Flag: &no, Ratio: 0.5, Bytes: 7, Memory: 1, Below: inner{Length: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Fill(&tc.in)
			if !reflect.DeepEqual(tc.in, tc.want) {
				t.Errorf("got %s, want %s", fmt.Sprintf("%+v", tc.in), fmt.Sprintf("%+v", tc.want))
			}
		})
	}
}
