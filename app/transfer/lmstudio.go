package transfer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"qwill/app/chat"
	"qwill/app/errs"
)

// lmConversation is a file below LM Studio's conversations folder
// (NAME.conversation.json), as its versions 0.3 and 0.4 write it. It has no id
// of its own.
type lmConversation struct {
	Name         string      `json:"name"`
	Pinned       bool        `json:"pinned"`
	CreatedAt    json.Number `json:"createdAt"` // milliseconds since 1970
	SystemPrompt string      `json:"systemPrompt"`
	Messages     []lmMessage `json:"messages"`
	PerChat      struct {
		Fields []struct {
			Key   string          `json:"key"`
			Value json.RawMessage `json:"value"`
		} `json:"fields"`
	} `json:"perChatPredictionConfig"`
}

// lmMessage is one turn in its versions: edits and regenerations.
type lmMessage struct {
	Versions []lmVersion `json:"versions"`
	Selected int         `json:"currentlySelected"`
}

type lmVersion struct {
	Type    string   `json:"type"` // singleStep has content, multiStep has steps
	Role    string   `json:"role"`
	Content []lmPart `json:"content"`
	Steps   []lmStep `json:"steps"`
	Sender  struct {
		Name string `json:"senderName"`
	} `json:"senderInfo"`
}

type lmStep struct {
	Type    string   `json:"type"` // contentBlock, else status and debug blocks
	ID      string   `json:"stepIdentifier"`
	Content []lmPart `json:"content"`
	Style   struct {
		Type string `json:"type"` // thinking
	} `json:"style"`
	Gen struct {
		Model string `json:"identifier"`
		Stats *struct {
			Stop       string  `json:"stopReason"`
			PerSecond  float64 `json:"tokensPerSecond"`
			FirstToken float64 `json:"timeToFirstTokenSec"`
			Prompt     float64 `json:"promptTokensCount"`
			Predicted  float64 `json:"predictedTokensCount"`
		} `json:"stats"`
	} `json:"genInfo"`
}

type lmPart struct {
	Type string `json:"type"` // text, file
	Text string `json:"text"`
	Name string `json:"fileName"`
}

// readLMStudio reads one conversation. Each turn's versions become branches;
// what follows continues the selected one, as LM Studio shows it.
func readLMStudio(raw []byte, name string) (Chat, *errs.Error) {
	var in lmConversation
	if err := json.Unmarshal(raw, &in); err != nil {
		return Chat{}, errSkip(name, "It is not a conversation of LM Studio's: %v.", err)
	}
	if t := title(in.Name); t != "" {
		name = fmt.Sprintf("%s (%s)", name, t)
	}
	c := Chat{ID: derive("lmstudio", digest(raw)), Title: in.Name, Pinned: in.Pinned, SystemPrompt: valid(in.system())}
	if ms, err := in.CreatedAt.Float64(); err == nil {
		c.Created = moment(ms / 1000)
	}
	parent := ""
	known := false
	for i, m := range in.Messages {
		if len(m.Versions) > 0 {
			known = true
		}
		next := ""
		for v, version := range m.Versions {
			out, ok := version.message()
			if !ok {
				continue
			}
			if len(c.Messages) == MessageLimit {
				return c, errSkip(name, "The chat has more than %d messages.", MessageLimit)
			}
			out.ID, out.Parent = derive(c.ID, strconv.Itoa(i), strconv.Itoa(v)), parent
			c.Messages = append(c.Messages, out)
			if v == m.Selected || next == "" {
				next = out.ID
			}
		}
		if next != "" {
			parent, c.Current = next, next
		}
	}
	if len(in.Messages) > 0 && !known {
		return c, errSkip(name, "Its messages are not in the form that LM Studio writes since version 0.3.")
	}
	reason := settle(&c, name)
	return c, reason
}

func (c *lmConversation) system() string {
	if c.SystemPrompt != "" {
		return c.SystemPrompt
	}
	for _, f := range c.PerChat.Fields {
		var text string
		if f.Key == "llm.prediction.systemPrompt" && json.Unmarshal(f.Value, &text) == nil {
			return text
		}
	}
	return ""
}

// message joins a version's parts; ok is false for those that hold no turn.
func (v lmVersion) message() (m Message, ok bool) {
	if v.Role != chat.User && v.Role != chat.Assistant {
		return m, false
	}
	m.Role, m.Status = v.Role, chat.Done
	if v.Role == chat.Assistant {
		m.Model = v.Sender.Name
	}
	var text, thought []string
	add := func(parts []lmPart, thinking bool) {
		for _, p := range parts {
			switch {
			case p.Text != "" && thinking:
				thought = append(thought, p.Text)
			case p.Text != "":
				text = append(text, p.Text)
			case p.Type == "file" && p.Name != "":
				text = append(text, "["+p.Name+"]")
			}
		}
	}
	add(v.Content, false)
	for _, s := range v.Steps {
		if s.Type != "contentBlock" {
			continue
		}
		if m.Created.IsZero() {
			m.Created = stepTime(s.ID)
		}
		if len(v.Content) == 0 { // older files hold the text in both places
			add(s.Content, s.Style.Type == "thinking")
		}
		if m.Model == "" && v.Role == chat.Assistant {
			m.Model = s.Gen.Model
		}
		if g := s.Gen.Stats; g != nil && g.Predicted > 0 && g.Predicted < 1e9 && g.Prompt >= 0 && g.Prompt < 1e9 {
			m.Stats = &chat.Stats{Finish: finish(g.Stop), PromptTokens: int(g.Prompt), CompletionTokens: int(g.Predicted),
				DecodePerSecond: max(0, g.PerSecond), TTFTMillis: max(0, g.FirstToken) * 1000}
		}
	}
	m.Content, m.Reasoning = strings.Join(text, "\n\n"), strings.Join(thought, "\n\n")
	return m, m.Content != "" || m.Reasoning != ""
}

// stepTime reads the milliseconds at the start of a step's identifier, such as
// 1780959836856-0.2.
func stepTime(id string) time.Time {
	digits, _, _ := strings.Cut(id, "-")
	ms, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || ms < 1e12 { // some identifiers begin with other numbers
		return time.Time{}
	}
	return moment(float64(ms) / 1000)
}

func finish(stop string) string {
	switch stop {
	case "eosFound", "stopStringFound":
		return "stop"
	case "userStopped":
		return "cancelled"
	}
	return "length"
}
