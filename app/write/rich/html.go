package rich

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"qwill/app/write"
)

// HTML is a document or a fragment of one, as browsers and editors put it on
// the clipboard.
type HTML struct {
	root     *html.Node
	fragment bool // without html and body, as it came
	text     strings.Builder
	runs     []run
	nodes    []*html.Node // of the own runs, in their order
}

// depthLimit bounds nesting, so that no document exhausts the stack.
const depthLimit = 400

// ParseHTML reads a document or fragment.
func ParseHTML(b []byte) (*HTML, error) {
	lower := bytes.ToLower(b[:min(len(b), 1024)])
	d := &HTML{fragment: !bytes.Contains(lower, []byte("<html")) && !bytes.Contains(lower, []byte("<!doctype"))}
	if d.fragment {
		body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
		nodes, err := html.ParseFragment(bytes.NewReader(b), body)
		if err != nil {
			return nil, fmt.Errorf("read HTML: %w", err)
		}
		for _, n := range nodes {
			body.AppendChild(n)
		}
		d.root = body
	} else {
		root, err := html.Parse(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read HTML: %w", err)
		}
		d.root = root
	}
	if err := d.walk(d.root, false, 0); err != nil {
		return nil, err
	}
	d.trimEnd()
	return d, nil
}

// Text implements Document.
func (d *HTML) Text() string { return d.text.String() }

// blocks begin and end on lines of their own.
var blocks = map[atom.Atom]bool{atom.Address: true, atom.Article: true, atom.Aside: true, atom.Blockquote: true, atom.Dd: true, atom.Details: true, atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Fieldset: true, atom.Figcaption: true, atom.Figure: true, atom.Footer: true, atom.Form: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Header: true, atom.Hr: true, atom.Li: true, atom.Main: true, atom.Nav: true, atom.Ol: true, atom.P: true, atom.Pre: true, atom.Section: true, atom.Table: true, atom.Tbody: true, atom.Td: true, atom.Th: true, atom.Tr: true, atom.Ul: true, atom.Body: true}

// spaced blocks are parted from their neighbours by an empty line.
var spaced = map[atom.Atom]bool{atom.P: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Blockquote: true, atom.Pre: true}

// silent elements hold no text for people.
var silent = map[atom.Atom]bool{atom.Head: true, atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true, atom.Title: true, atom.Textarea: true, atom.Select: true, atom.Svg: true, atom.Math: true}

func (d *HTML) walk(n *html.Node, pre bool, depth int) error {
	if depth > depthLimit {
		return fmt.Errorf("read HTML: it is nested more than %d deep", depthLimit)
	}
	switch n.Type {
	case html.TextNode:
		d.add(n, pre)
		return nil
	case html.ElementNode:
		if silent[n.DataAtom] {
			return nil
		}
		if n.DataAtom == atom.Br {
			d.structure("\n")
			return nil
		}
	}
	if blocks[n.DataAtom] {
		d.block(spaced[n.DataAtom])
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if err := d.walk(c, pre || n.DataAtom == atom.Pre, depth+1); err != nil {
			return err
		}
	}
	if blocks[n.DataAtom] {
		d.block(spaced[n.DataAtom])
	}
	return nil
}

// block ends the line, and puts an empty one behind it where asked.
func (d *HTML) block(empty bool) {
	s := d.text.String()
	if s == "" {
		return
	}
	switch {
	case !strings.HasSuffix(s, "\n"):
		if empty {
			d.structure("\n\n")
		} else {
			d.structure("\n")
		}
	case empty && !strings.HasSuffix(s, "\n\n"):
		d.structure("\n")
	}
}

func (d *HTML) structure(s string) {
	start := d.text.Len()
	d.text.WriteString(s)
	d.runs = append(d.runs, run{start: start, end: start + len(s)})
}

// add takes a text node in, its white space collapsed as a browser shows it.
func (d *HTML) add(n *html.Node, pre bool) {
	data := n.Data
	if !pre {
		data = collapse(data, d.text.Len() == 0 || strings.HasSuffix(d.text.String(), "\n") || strings.HasSuffix(d.text.String(), " "))
	}
	if data == "" {
		return
	}
	start := d.text.Len()
	d.text.WriteString(data)
	d.runs = append(d.runs, run{start: start, end: start + len(data), own: true})
	d.nodes = append(d.nodes, n)
}

// collapse makes one space of each run of white space, none at a line's start.
func collapse(s string, atStart bool) string {
	var b strings.Builder
	space := atStart
	for _, r := range s {
		if r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// trimEnd takes the line ends behind the last block off the plain text.
func (d *HTML) trimEnd() {
	s := d.text.String()
	end := len(strings.TrimRightFunc(s, unicode.IsSpace))
	for len(d.runs) > 0 {
		last := &d.runs[len(d.runs)-1]
		if last.own || last.start < end {
			break
		}
		d.runs = d.runs[:len(d.runs)-1]
	}
	if n := len(d.runs); n > 0 {
		s = s[:d.runs[n-1].end]
	} else {
		s = ""
	}
	d.text.Reset()
	d.text.WriteString(s)
}

// Apply implements Document.
func (d *HTML) Apply(segments []write.Segment, accept func(int) bool) ([]byte, error) {
	splice(d.runs, segments, accept)
	i := 0
	for _, r := range d.runs {
		if !r.own {
			continue
		}
		fill(d.nodes[i], string(r.out))
		i++
	}
	var b bytes.Buffer
	if !d.fragment {
		err := html.Render(&b, d.root)
		return b.Bytes(), err
	}
	for c := d.root.FirstChild; c != nil; c = c.NextSibling {
		if err := html.Render(&b, c); err != nil {
			return nil, fmt.Errorf("write HTML: %w", err)
		}
	}
	return b.Bytes(), nil
}

// fill puts the text into a node; line ends become breaks outside pre.
func fill(n *html.Node, text string) {
	if !strings.Contains(text, "\n") || insidePre(n) {
		n.Data = text
		return
	}
	parts := strings.Split(text, "\n")
	n.Data = parts[0]
	next := n.NextSibling
	for _, p := range parts[1:] {
		n.Parent.InsertBefore(&html.Node{Type: html.ElementNode, Data: "br", DataAtom: atom.Br}, next)
		n.Parent.InsertBefore(&html.Node{Type: html.TextNode, Data: p}, next)
	}
}

func insidePre(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == atom.Pre {
			return true
		}
	}
	return false
}
