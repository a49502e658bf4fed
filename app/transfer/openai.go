package transfer

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"qwill/app/chat"
	"qwill/app/errs"
)

// oaConversation is an entry of conversations.json in OpenAI's data export: a
// tree of nodes, of which many hold no turn of the conversation.
type oaConversation struct {
	ID      string             `json:"conversation_id"`
	Other   string             `json:"id"`
	Title   string             `json:"title"`
	Created float64            `json:"create_time"` // seconds since 1970
	Updated float64            `json:"update_time"`
	Mapping map[string]*oaNode `json:"mapping"`
	Current string             `json:"current_node"`
	Model   string             `json:"default_model_slug"`
	Starred *bool              `json:"is_starred"`
}

type oaNode struct {
	Message  *oaMessage `json:"message"`
	Parent   string     `json:"parent"`
	Children []string   `json:"children"`

	id string
}

type oaMessage struct {
	Author struct {
		Role string `json:"role"`
	} `json:"author"`
	Created   float64 `json:"create_time"`
	Recipient string  `json:"recipient"` // "all", else the name of a tool
	Content   struct {
		Type     string            `json:"content_type"`
		Parts    []json.RawMessage `json:"parts"`
		Text     string            `json:"text"`
		Thoughts []struct {
			Summary string `json:"summary"`
			Content string `json:"content"`
		} `json:"thoughts"`
	} `json:"content"`
	Metadata struct {
		Model  string `json:"model_slug"`
		Hidden bool   `json:"is_visually_hidden_from_conversation"`
	} `json:"metadata"`
}

// turn is a message on its way through the tree: an assistant's steps between
// two messages of the user become one.
type turn struct {
	Message
	sent bool // it is among the chat's messages
}

type oaReader struct {
	in      *oaConversation
	out     *Chat
	at      map[string]*turn // by node
	holds   map[string]bool  // whether a node, or one below it, holds a turn
	visited map[string]bool
}

// readOpenAI reads one conversation.
func readOpenAI(raw []byte, name string) (Chat, *errs.Error) {
	var in oaConversation
	if err := json.Unmarshal(raw, &in); err != nil {
		return Chat{}, errSkip(name, "It is not a conversation of OpenAI's: %v.", err)
	}
	if t := title(in.Title); t != "" {
		name = fmt.Sprintf("%s (%s)", name, t)
	}
	if in.Mapping == nil {
		return Chat{}, errSkip(name, "The conversation has no messages (mapping).")
	}
	if len(in.Mapping) > 2*MessageLimit {
		return Chat{}, errSkip(name, "The chat has %d nodes, more than %d.", len(in.Mapping), 2*MessageLimit)
	}
	if in.ID == "" {
		in.ID = in.Other
	}
	if in.ID == "" {
		in.ID = digest(raw)
	}
	c := Chat{ID: derive("openai", in.ID), Title: in.Title, Created: moment(in.Created), Updated: moment(in.Updated),
		Model: "", Pinned: in.Starred != nil && *in.Starred}
	r := &oaReader{in: &in, out: &c, at: map[string]*turn{}, holds: map[string]bool{}, visited: map[string]bool{}}
	for _, root := range r.roots() {
		r.mark(root)
		r.visit(root, nil, "")
		if len(c.Messages) > MessageLimit {
			return c, errSkip(name, "The chat has more than %d messages.", MessageLimit)
		}
	}
	if t := r.at[in.Current]; t != nil && t.sent {
		c.Current = t.ID
	}
	reason := settle(&c, name)
	return c, reason
}

// roots gives the nodes without a parent, in a fixed order.
func (r *oaReader) roots() []string {
	var ids []string
	for id, n := range r.in.Mapping {
		if n == nil {
			delete(r.in.Mapping, id)
			continue
		}
		n.id = id
	}
	for id, n := range r.in.Mapping {
		if r.in.Mapping[n.Parent] == nil {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids
}

// mark finds which parts of the tree hold turns. A node that is reached twice
// counts once, so that a circle ends.
func (r *oaReader) mark(root string) {
	order := []string{root}
	seen := map[string]bool{root: true}
	for i := 0; i < len(order); i++ {
		for _, child := range r.in.Mapping[order[i]].Children {
			if n := r.in.Mapping[child]; n != nil && n.Parent == order[i] && !seen[child] {
				seen[child] = true
				order = append(order, child)
			}
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		n := r.in.Mapping[order[i]]
		_, _, ok := n.read()
		if n.Message != nil && (ok || n.thought() != "") {
			r.holds[order[i]] = true
		}
		if r.holds[order[i]] && i > 0 {
			r.holds[n.Parent] = true
		}
	}
}

// visit walks down from a node. before is the turn that ends above it, thought
// the thinking that has found no answer yet.
func (r *oaReader) visit(root string, before *turn, thought string) {
	type step struct {
		id      string
		before  *turn
		thought string
	}
	for stack := []step{{root, before, thought}}; len(stack) > 0; {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if r.visited[s.id] || len(r.out.Messages) > MessageLimit {
			continue
		}
		r.visited[s.id] = true
		n := r.in.Mapping[s.id]
		now, thought := s.before, s.thought
		if t := n.thought(); t != "" {
			thought = join(thought, t)
		} else if m, system, ok := n.read(); ok {
			switch {
			case system:
				if r.out.SystemPrompt == "" {
					r.out.SystemPrompt = m.Content
				}
			default:
				m.ID = derive(r.out.ID, s.id)
				if m.Role == chat.Assistant {
					m.Reasoning, thought = thought, ""
				}
				now = r.follow(s.before, m)
			}
		}
		r.at[s.id] = now
		below := false
		for i := len(n.Children) - 1; i >= 0; i-- { // the first child first
			id := n.Children[i]
			if c := r.in.Mapping[id]; c != nil && c.Parent == s.id && r.holds[id] {
				stack = append(stack, step{id, now, thought})
				below = true
			}
		}
		if !below {
			r.send(now)
		}
	}
}

// follow puts a message behind a turn, or joins it when both are steps of one
// answer.
func (r *oaReader) follow(before *turn, m Message) *turn {
	if before == nil {
		return &turn{Message: m}
	}
	if before.Role == chat.Assistant && m.Role == chat.Assistant && !before.sent {
		joined := m
		joined.Parent, joined.Created = before.Parent, before.Created
		joined.Content, joined.Reasoning = join(before.Content, m.Content), join(before.Reasoning, m.Reasoning)
		return &turn{Message: joined}
	}
	r.send(before)
	m.Parent = before.ID
	return &turn{Message: m}
}

func (r *oaReader) send(t *turn) {
	if t != nil && !t.sent {
		t.sent = true
		r.out.Messages = append(r.out.Messages, t.Message)
	}
}

// thought gives the thinking that a node of its own holds.
func (n *oaNode) thought() string {
	if n.Message == nil || n.Message.Content.Type != "thoughts" {
		return ""
	}
	var all []string
	for _, t := range n.Message.Content.Thoughts {
		if t.Content != "" {
			all = append(all, t.Content)
		} else if t.Summary != "" {
			all = append(all, t.Summary)
		}
	}
	return strings.Join(all, "\n\n")
}

// read gives the turn of a node; ok is false where it holds none that a person
// saw: hidden context, calls of tools and what these answered.
func (n *oaNode) read() (m Message, system, ok bool) {
	in := n.Message
	if in == nil || in.Metadata.Hidden || in.Recipient != "" && in.Recipient != "all" {
		return m, false, false
	}
	switch in.Author.Role {
	case chat.User, chat.Assistant:
	case "system":
		system = true
	default:
		return m, false, false
	}
	switch in.Content.Type {
	case "text", "multimodal_text", "":
		var parts []string
		for _, raw := range in.Content.Parts {
			if text := part(raw); text != "" {
				parts = append(parts, text)
			}
		}
		m.Content = strings.Join(parts, "\n\n")
	case "code", "execution_output":
		if in.Content.Text != "" {
			m.Content = "```\n" + in.Content.Text + "\n```"
		}
	default:
		return m, false, false
	}
	m.Role, m.Status, m.Created = in.Author.Role, chat.Done, moment(in.Created)
	if m.Role == chat.Assistant {
		m.Model = in.Metadata.Model
	}
	return m, system, strings.TrimSpace(m.Content) != ""
}

// part is a text, or an object such as an image, whose place is marked.
func part(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Type string `json:"content_type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	switch object.Type {
	case "audio_transcription":
		return object.Text
	case "image_asset_pointer":
		return "[image]"
	case "audio_asset_pointer", "real_time_user_audio_video_asset_pointer":
		return ""
	}
	return object.Text
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}
