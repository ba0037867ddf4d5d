package list_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// A deployment must accept exactly the protected names with which the importer can start.
func TestNewGuards_asSettings(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("x", 63)
	names := []string{
		"", ".", "..", "a..b", ".corp.example", "corp.example.", "corp.example..", "Corp.EXAMPLE", "_dmarc.corp.example", "-", "-a.b",
		"corp", "https://x/", "10.0.0.0/8", "10.0.0.1", "1", "2001:db8::1", "*.corp.example", "corp.example:443", "a b", " a", "a\tb",
		"a,b", "a@b.example", "a.123", "a.1-2", "123.example", "bücher.example", "xn--bcher-kva.example", "xn--", "\xff.example",
		label, label + "x", label + ".example", strings.Join([]string{label, label, label, label[:61]}, "."),
		strings.Join([]string{label, label, label, label[:62]}, "."),
	}
	for c := range 128 {
		names = append(names, "a"+string(rune(c))+"b")
	}
	for _, name := range names {
		_, err := list.NewGuards(settings.DefaultGuards(), []string{name})
		if checked := settings.CheckProtected(name); (err == nil) != (checked == nil) {
			t.Errorf("protected name %q: pkg/list says %v, pkg/settings %v", name, err, checked)
		}
	}
}
