// Package template turns a conversation into a prompt as the model's own chat
// template says, equal to what the transformers library renders, and keeps
// apart what the template wrote from what people and documents wrote: only the
// former may become control tokens.
package template

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"qwill/engine/proto"
	"qwill/engine/template/jinja"
	"qwill/engine/tokenizer"
)

// Segment is a piece of a prompt; see tokenizer.Segment.
type Segment = tokenizer.Segment

// Template is a parsed chat template. It is safe for concurrent use.
type Template struct {
	// CanThink says that the template has a switch for thinking, or always thinks.
	CanThink bool
	// OpensThinking says that with thinking on the prompt ends inside <think>,
	// so that the reply starts in the middle of its thinking.
	OpensThinking bool

	jinja  *jinja.Template
	tokens map[string]string
}

// Options of a rendering.
type Options struct {
	Thinking bool // enable_thinking
	// AddGenerationPrompt ends the prompt where the assistant's answer starts.
	AddGenerationPrompt bool
	// ContinueAssistant ends the prompt inside the last message, an
	// assistant's, for the model to go on. It excludes AddGenerationPrompt.
	ContinueAssistant bool
}

// builtin is ChatML with Qwen3's switch, for models that ship no template.
//
//go:embed chatml.jinja
var builtin string

// Parse reads a template. tokens are the variables bos_token, eos_token and so
// on of tokenizer_config.json. Errors are *proto.Error with CodeTemplate.
func Parse(source string, tokens map[string]string) (*Template, error) {
	parsed, err := jinja.Parse(source)
	if err != nil {
		return nil, templateError(err)
	}
	t := &Template{jinja: parsed, tokens: tokens}
	// A template that refuses this probe tells so again when it is used.
	probe, err := t.Render([]proto.Message{{Role: "user", Content: "?"}}, Options{Thinking: true, AddGenerationPrompt: true})
	t.OpensThinking = err == nil && EndsInThinking(probe)
	t.CanThink = t.OpensThinking || parsed.Uses("enable_thinking")
	return t, nil
}

// Builtin is the template for models that ship none; thinks adds the switch
// for thinking.
func Builtin(thinks bool) *Template {
	source := builtin
	if !thinks {
		source = strings.ReplaceAll(source, "enable_thinking is defined", "false")
	}
	t, err := Parse(source, nil)
	if err != nil {
		panic(err) // the embedded template is tested
	}
	t.CanThink = thinks
	return t
}

// EndsInThinking reports whether a prompt ends inside an open <think>.
func EndsInThinking(prompt []Segment) bool {
	tail := ""
	for i := len(prompt) - 1; i >= 0 && len(tail) < 64; i-- {
		if !prompt[i].Trusted {
			break
		}
		tail = prompt[i].Text + tail
	}
	return strings.HasSuffix(strings.TrimRight(tail, " \r\n"), "<think>")
}

// Encode gives the token ids of a prompt.
func Encode(tok *tokenizer.Tokenizer, prompt []Segment) []int { return tok.EncodeSegments(prompt) }

// Text joins a prompt.
func Text(prompt []Segment) string {
	var b strings.Builder
	for _, s := range prompt {
		b.WriteString(s.Text)
	}
	return b.String()
}

// maxTime bounds one rendering.
const maxTime = 5 * time.Second

// limits grow with the conversation and leave a template no more than it needs.
func limits(messages []proto.Message) jinja.Limits {
	size := 0
	for _, m := range messages {
		size += len(m.Content) + len(m.Reasoning)
	}
	return jinja.Limits{
		Steps:  1_000_000 + 2*size + 5000*len(messages),
		Bytes:  64<<20 + 64*size,
		Output: 1<<20 + 4*size,
		Time:   maxTime,
	}
}

// Render gives the prompt of a conversation. Errors are *proto.Error:
// CodeInvalid for messages that no template can take, CodeTemplate for a
// template that fails, refuses the messages or runs into a limit.
func (t *Template) Render(messages []proto.Message, o Options) ([]Segment, error) {
	if err := check(messages, o); err != nil {
		return nil, err
	}
	cut := ""
	list := &jinja.List{Items: make([]jinja.Value, len(messages))}
	for i, m := range messages {
		content := tokenizer.ValidUTF8(m.Content)
		if o.ContinueAssistant && i == len(messages)-1 {
			cut = rand.Text()
			content += cut + " "
		}
		d := jinja.NewDict().Set("role", jinja.Trusted(m.Role)).Set("content", jinja.Untrusted(content))
		if m.Reasoning != "" {
			d.Set("reasoning_content", jinja.Untrusted(tokenizer.ValidUTF8(m.Reasoning)))
		}
		list.Items[i] = d
	}
	vars := map[string]jinja.Value{
		"messages": list, "tools": nil, "documents": nil,
		"add_generation_prompt": o.AddGenerationPrompt, "enable_thinking": o.Thinking,
	}
	for k, v := range t.tokens {
		vars[k] = jinja.Trusted(v)
	}
	out, err := t.jinja.Render(vars, limits(messages), time.Now)
	if err != nil {
		return nil, templateError(err)
	}
	runs := out.Runs()
	if cut != "" {
		if runs = cutAt(runs, cut); runs == nil {
			return nil, templateError(errors.New("it leaves out the message that is to be continued"))
		}
	}
	prompt := make([]Segment, len(runs))
	for i, r := range runs {
		prompt[i] = Segment(r)
	}
	return prompt, nil
}

// cutAt ends a text before the mark, and before white space when the template
// trimmed the message.
func cutAt(runs []jinja.Run, mark string) []jinja.Run {
	for i := len(runs) - 1; i >= 0; i-- {
		at := strings.LastIndex(runs[i].Text, mark)
		if at < 0 {
			continue
		}
		whole := strings.HasPrefix(runs[i].Text[at:], mark+" ")
		runs[i].Text = runs[i].Text[:at]
		runs = runs[:i+1]
		for n := len(runs); !whole && n > 0; n-- {
			last := &runs[n-1]
			if last.Text = strings.TrimRight(last.Text, " \t\r\n"); last.Text != "" {
				break
			}
			runs = runs[:n-1]
		}
		return runs
	}
	return nil
}

func check(messages []proto.Message, o Options) error {
	invalid := func(field, format string, args ...any) error {
		e := &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf(format, args...)}
		e.Field = field
		return e
	}
	if len(messages) == 0 {
		return invalid("messages", "a conversation needs at least one message")
	}
	for i, m := range messages {
		switch m.Role {
		case "system", "user", "assistant", "tool":
		default:
			return invalid(fmt.Sprintf("messages[%d].role", i), "unknown role %.40q: system, user, assistant or tool expected", m.Role)
		}
	}
	if o.ContinueAssistant {
		if o.AddGenerationPrompt {
			return invalid("messages", "a prompt cannot both continue a message and start a new one")
		}
		if messages[len(messages)-1].Role != "assistant" {
			return invalid("messages", "only an assistant's message can be continued")
		}
	}
	return nil
}

func templateError(err error) error {
	e := &proto.Error{Code: proto.CodeTemplate, Message: "the model's chat template failed: " + err.Error()}
	e.Field = "chat_template"
	e.Hint = "import or download the model again, or choose another model"
	var te *jinja.Error
	if errors.As(err, &te) && te.Raised {
		e.Message = "the model's chat template refuses this conversation: " + te.Msg
		e.Hint = "change the messages, or choose another model"
	}
	return e
}
