package chat

import "slices"

// Node is a message's place among its chat's messages.
type Node struct {
	ID     string
	Parent string // the message before; "" for a first one
}

// Branch says which of the messages at one place a message is.
type Branch struct {
	Index    int      `json:"index"` // from 1
	Count    int      `json:"count"`
	Siblings []string `json:"siblings"` // ids, oldest first, its own included
}

// Tree is the order of a chat's messages: each one follows its parent, and
// several that follow the same one are branches. Nodes are in the order of
// their creation, so parents come before what follows them; a parent that does
// not exist counts as none.
type Tree struct {
	nodes    []Node
	at       map[string]int
	children map[string][]string
}

// NewTree orders messages.
func NewTree(nodes []Node) Tree {
	t := Tree{nodes: slices.Clone(nodes), at: make(map[string]int, len(nodes)), children: map[string][]string{}}
	for i, n := range t.nodes {
		if p, known := t.at[n.Parent]; !known || p >= i {
			n.Parent, t.nodes[i].Parent = "", ""
		}
		t.at[n.ID] = i
		t.children[n.Parent] = append(t.children[n.Parent], n.ID)
	}
	return t
}

// Has says whether there is such a message.
func (t Tree) Has(id string) bool { _, ok := t.at[id]; return ok }

// Parent gives the message before; "" for a first one.
func (t Tree) Parent(id string) string { return t.nodes[t.at[id]].Parent }

// Leaf says that nothing follows a message.
func (t Tree) Leaf(id string) bool { return len(t.children[id]) == 0 }

// Path gives the messages from the first one to head. A head that does not
// exist, as in a chat that never had branches, stands for the newest message.
func (t Tree) Path(head string) []string {
	if !t.Has(head) {
		if len(t.nodes) == 0 {
			return nil
		}
		head = t.nodes[len(t.nodes)-1].ID
	}
	var path []string
	for id := head; id != ""; id = t.Parent(id) {
		path = append(path, id)
	}
	slices.Reverse(path)
	return path
}

// End gives the newest message of the branches that go through one; it is
// always a leaf.
func (t Tree) End(through string) string {
	end := through
	for _, id := range t.Subtree(through) {
		if t.at[id] > t.at[end] {
			end = id
		}
	}
	return end
}

// Subtree gives a message and all that follow it, in order of creation.
func (t Tree) Subtree(root string) []string {
	if !t.Has(root) {
		return nil
	}
	in := map[string]bool{root: true}
	list := []string{root}
	for _, n := range t.nodes[t.at[root]+1:] {
		if in[n.Parent] {
			in[n.ID] = true
			list = append(list, n.ID)
		}
	}
	return list
}

// Without gives the head to show when a message and all that follow it are
// gone: the shown one where it stays, else the nearest older branch's newest
// end, else a newer one's, else the message before. "" when nothing is left.
func (t Tree) Without(root, head string) string {
	path := t.Path(head)
	if !slices.Contains(path, root) {
		return path[len(path)-1]
	}
	siblings := t.children[t.Parent(root)]
	i := slices.Index(siblings, root)
	switch {
	case i > 0:
		return t.End(siblings[i-1])
	case len(siblings) > 1:
		return t.End(siblings[1])
	}
	return t.Parent(root)
}

// Branch says where a message stands among those with the same parent.
func (t Tree) Branch(id string) Branch {
	siblings := t.children[t.Parent(id)]
	return Branch{Index: slices.Index(siblings, id) + 1, Count: len(siblings), Siblings: slices.Clone(siblings)}
}

// Place tells messages where they stand.
func (t Tree) Place(messages ...*Message) {
	for _, m := range messages {
		if t.Has(m.ID) {
			m.Branch = t.Branch(m.ID)
		}
	}
}
