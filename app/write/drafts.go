package write

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qwill/app/command"
	"qwill/app/write/guard"
	"qwill/engine"
)

// Draft is one of several replies to choose from.
type Draft struct {
	Intent string  `json:"intent"`
	Text   string  `json:"text"`
	Faults []Fault `json:"faults,omitempty"`
}

// Intents that a draft may have.
var Intents = []string{"agree", "decline", "ask", "postpone"}

const (
	draftCount   = 3
	longestDraft = 400 // characters
)

// draftSchema is the form of three drafts, each of another intent: one array
// for each intent that may be left out.
var draftSchema = func() json.RawMessage {
	type object = map[string]any
	var lists []any
	for out := len(Intents) - 1; out >= 0; out-- {
		var items []any
		for i, intent := range Intents {
			if i != out {
				items = append(items, object{"$ref": "#/$defs/" + intent})
			}
		}
		lists = append(lists, object{"type": "array", "prefixItems": items, "items": false, "minItems": draftCount, "maxItems": draftCount})
	}
	defs := object{"text": object{"type": "string", "minLength": 2, "maxLength": longestDraft}}
	for _, intent := range Intents {
		defs[intent] = object{"type": "object", "properties": object{"intent": object{"const": intent}, "text": object{"$ref": "#/$defs/text"}},
			"required": []string{"intent", "text"}, "additionalProperties": false}
	}
	b, err := json.Marshal(object{"type": "object", "properties": object{"drafts": object{"anyOf": lists}},
		"required": []string{"drafts"}, "additionalProperties": false, "$defs": defs})
	if err != nil {
		panic(err) // only strings and numbers
	}
	return b
}()

// parseDrafts gives the drafts that are whole in what a model wrote so far.
func parseDrafts(raw string) []Draft {
	d := json.NewDecoder(strings.NewReader(raw))
	for _, want := range []json.Token{json.Delim('{'), "drafts", json.Delim('[')} {
		if got, err := d.Token(); err != nil || got != want {
			return nil
		}
	}
	var all []Draft
	for len(all) < draftCount && d.More() {
		var one Draft
		if d.Decode(&one) != nil {
			break
		}
		one.Text, one.Faults = strings.TrimSpace(one.Text), nil
		if !slices.Contains(Intents, one.Intent) || slices.ContainsFunc(all, func(o Draft) bool { return o.Intent == one.Intent }) {
			break
		}
		all = append(all, one)
	}
	return all
}

// Faults of drafts that the guard does not know.
const (
	alike = "alike" // two drafts say the same words
	echo  = "echo"  // the draft repeats the message
)

// inspectDrafts looks for drafts in another language than the message's, for
// one that repeats it, and for two that are the same. It notes what it finds
// with the draft.
func inspectDrafts(message string, drafts []Draft) (all []Fault) {
	same := func(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }
	for i := range drafts {
		d := &drafts[i]
		for _, f := range guard.Check(message, d.Text, guard.Options{Reform: true}) {
			if f.Kind == guard.Language {
				d.Faults = append(d.Faults, Fault{string(f.Kind), f.Old, f.New})
			}
		}
		if same(message, d.Text) {
			d.Faults = append(d.Faults, Fault{Kind: echo})
		}
		if slices.ContainsFunc(drafts[:i], func(o Draft) bool { return same(o.Text, d.Text) }) {
			d.Faults = append(d.Faults, Fault{Kind: alike})
		}
		all = append(all, d.Faults...)
	}
	return all
}

// draft asks for three replies of different intent. What is wrong with them is
// named in one second try; the better three count.
func draft(ctx context.Context, c command.Command, r Request, generate Generate, watch Watch) (Result, error) {
	p, err := c.BuildDrafts(input(r))
	if err != nil {
		return Result{}, err
	}
	p.Format = &engine.Format{JSONSchema: draftSchema}
	message := valid(r.Text)
	raw, first, err := askDrafts(ctx, p, message, generate, watch)
	if err != nil {
		return Result{}, err
	}
	found := inspectDrafts(message, first.Drafts)
	if len(found) == 0 && len(first.Drafts) == draftCount {
		return first, nil
	}
	if watch.Again != nil {
		watch.Again(found)
	}
	again := p
	again.Messages = append(slices.Clone(p.Messages), engine.Message{Role: "assistant", Content: raw},
		engine.Message{Role: "user", Content: draftCorrection(found)})
	_, second, err := askDrafts(ctx, again, message, generate, watch)
	if errors.Is(err, context.Canceled) {
		return Result{}, err
	}
	if err == nil && len(second.Drafts) >= len(first.Drafts) &&
		(len(inspectDrafts(message, second.Drafts)) < len(found) || len(second.Drafts) > len(first.Drafts)) {
		first = second
	}
	first.Tries = 2
	return first, nil
}

func askDrafts(ctx context.Context, p command.Prompt, message string, generate Generate, watch Watch) (string, Result, error) {
	var so strings.Builder
	raw, res, err := ask(ctx, p, generate, func(e engine.Event) {
		so.WriteString(e.Text)
		if strings.Contains(e.Text, "}") && watch.Drafts != nil {
			watch.Drafts(parseDrafts(so.String()))
		}
		if e.Text = ""; watch.Event != nil {
			watch.Event(e)
		}
	})
	if err != nil {
		return "", Result{}, err
	}
	out := Result{Original: message, Shape: command.ShapeText, Drafts: parseDrafts(raw), Tries: 1, Engine: res}
	var texts []string
	for _, d := range out.Drafts {
		texts = append(texts, d.Text)
	}
	if out.Text = strings.Join(texts, "\n\n"); out.Text == "" {
		out.Warning = NoResult
	}
	return raw, out, nil
}

func draftCorrection(found []Fault) string {
	var b strings.Builder
	b.WriteString("These replies cannot be used.\n")
	for _, f := range found {
		switch f.Kind {
		case string(guard.Language):
			fmt.Fprintf(&b, "- A reply is in another language than the message. Write all in the language of the message.\n")
		case echo:
			b.WriteString("- A reply repeats the message instead of answering it.\n")
		case alike:
			b.WriteString("- Two replies say the same. Each has another intent.\n")
		default:
			b.WriteString("- " + f.Sentence() + "\n")
		}
	}
	b.WriteString("Write three others to the same message, in the same JSON form.")
	return b.String()
}
