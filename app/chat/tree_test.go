package chat

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTree(t *testing.T) {
	//  a ─ b ─ c ─ d
	//  │   └── e ─ f
	//  └── g        h is another first message
	tree := NewTree([]Node{{"a", ""}, {"b", "a"}, {"c", "b"}, {"d", "c"}, {"e", "b"}, {"f", "e"}, {"g", "a"}, {"h", ""}, {"i", "gone"}})
	for head, want := range map[string]string{"d": "[a b c d]", "f": "[a b e f]", "b": "[a b]", "": "[i]", "unknown": "[i]"} {
		if got := fmt.Sprint(tree.Path(head)); got != want {
			t.Errorf("path to %q is %s, want %s", head, got, want)
		}
	}
	for id, want := range map[string]string{"a": "g", "b": "f", "c": "d", "f": "f", "h": "h"} {
		if got := tree.End(id); got != want {
			t.Errorf("the end through %s is %s, want %s", id, got, want)
		}
	}
	for _, tt := range []struct{ root, head, want string }{
		{"c", "d", "f"}, // to the newer sibling, there being no older one
		{"e", "f", "d"},
		{"d", "d", "c"},
		{"c", "f", "f"}, // hidden: what is shown stays
		{"a", "d", "h"},
		{"h", "h", "g"},
	} {
		if got := tree.Without(tt.root, tt.head); got != tt.want {
			t.Errorf("without %s, %s shows %q, want %q", tt.root, tt.head, got, tt.want)
		}
	}
	if b := tree.Branch("e"); b.Index != 2 || b.Count != 2 || !slices.Equal(b.Siblings, []string{"c", "e"}) {
		t.Errorf("got %+v", b)
	}
	if got := NewTree(nil); got.Path("x") != nil || got.Has("") {
		t.Error("an empty tree is not empty")
	}
}

// Whatever is added and removed: every path is valid, every message is on the
// path to its end, and every leaf can be shown.
func TestAnyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []Node
		head := ""
		for step := range rapid.IntRange(1, 40).Draw(t, "steps") {
			tree := NewTree(nodes)
			if len(nodes) > 0 && rapid.IntRange(0, 4).Draw(t, "op") == 0 {
				root := rapid.SampledFrom(nodes).Draw(t, "root").ID
				gone := tree.Subtree(root)
				head = tree.Without(root, head)
				nodes = slices.DeleteFunc(nodes, func(n Node) bool { return slices.Contains(gone, n.ID) })
				if slices.Contains(gone, head) || head != "" && !NewTree(nodes).Has(head) || head == "" && len(nodes) > 0 {
					t.Fatalf("without %s %q is shown of %v", root, head, nodes)
				}
				continue
			}
			parent := ""
			if len(nodes) > 0 {
				parent = rapid.SampledFrom(append([]Node{{}}, nodes...)).Draw(t, "parent").ID
			}
			head = fmt.Sprint("m", step)
			nodes = append(nodes, Node{head, parent})
		}
		tree := NewTree(nodes)
		path := tree.Path(head)
		if len(nodes) > 0 && (len(path) == 0 || path[len(path)-1] != head) {
			t.Fatalf("path %v does not end at %s", path, head)
		}
		for _, n := range nodes {
			end := tree.End(n.ID)
			way := tree.Path(end)
			if !tree.Leaf(end) || !slices.Contains(way, n.ID) {
				t.Fatalf("%s is not on the way to its end %s: %v", n.ID, end, way)
			}
			for i, id := range way {
				if i == 0 && tree.Parent(id) != "" || i > 0 && tree.Parent(id) != way[i-1] {
					t.Fatalf("the way %v is broken", way)
				}
			}
			b := tree.Branch(n.ID)
			if b.Siblings[b.Index-1] != n.ID || b.Count != len(b.Siblings) {
				t.Fatalf("%s stands at %+v", n.ID, b)
			}
		}
	})
}
