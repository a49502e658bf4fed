package openai

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"qwill/app/errs"
	"qwill/engine"
)

// Bounds of a form; what it means is for the engine to judge.
const (
	maxFormat  = 256 << 10 // bytes
	maxChoices = 1000
)

// format is the form of the answer that a request asks for, nil for any text.
// At most one way of asking is allowed. response is a chat's response_format.
func (c *common) format(response json.RawMessage) (*engine.Format, error) {
	var all []*engine.Format
	if !null(response) {
		f, err := parseResponse(response)
		if err != nil {
			return nil, err
		}
		if f != nil {
			all = append(all, f)
		}
	}
	if !null(c.GuidedJSON) {
		f, err := schemaFormat(c.GuidedJSON, "guided_json")
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	for param, text := range map[string]string{"guided_regex": c.GuidedRegex, "guided_grammar": c.GuidedGrammar} {
		if len(text) > maxFormat {
			return nil, bad(param, "It has more than %d bytes.", maxFormat)
		}
	}
	if c.GuidedRegex != "" {
		all = append(all, &engine.Format{Regex: c.GuidedRegex})
	}
	if c.GuidedGrammar != "" {
		all = append(all, &engine.Format{Grammar: c.GuidedGrammar})
	}
	if c.GuidedChoice != nil {
		f, err := choiceFormat(c.GuidedChoice)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	return nil, bad("response_format", "Only one of response_format, guided_json, guided_regex, guided_grammar and guided_choice is allowed.")
}

func parseResponse(raw json.RawMessage) (*engine.Format, error) {
	var f responseFormat
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, bad("response_format", "It is an object with a type: %s.", err)
	}
	switch {
	case f.Type == "text":
		return nil, nil
	case f.Type == "json_object":
		return &engine.Format{JSONObject: true}, nil
	case f.Type != "json_schema":
		return nil, bad("response_format.type", "%q is not one of text, json_object, json_schema.", f.Type)
	case f.Schema == nil || null(f.Schema.Schema):
		return nil, bad("response_format.json_schema.schema", "A schema is needed.")
	}
	return schemaFormat(f.Schema.Schema, "response_format.json_schema.schema")
}

// schemaFormat takes a schema as an object or, as vLLM allows, as a string that
// holds one.
func schemaFormat(raw json.RawMessage, param string) (*engine.Format, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) > maxFormat {
		return nil, bad(param, "It has more than %d bytes.", maxFormat)
	}
	if !json.Valid(raw) {
		return nil, bad(param, "It is not valid JSON.")
	}
	return &engine.Format{JSONSchema: raw}, nil
}

func choiceFormat(choices []string) (*engine.Format, error) {
	if len(choices) == 0 || len(choices) > maxChoices {
		return nil, bad("guided_choice", "It has from 1 to %d strings, not %d.", maxChoices, len(choices))
	}
	var parts []string
	for _, c := range choices {
		if c == "" {
			return nil, bad("guided_choice", "A choice may not be empty.")
		}
		parts = append(parts, regexp.QuoteMeta(c))
	}
	return &engine.Format{Regex: strings.Join(parts, "|")}, nil
}

// asked renames the engine's field of a form to the request's.
func (c *common) asked(e *errs.Error) *errs.Error {
	for from, to := range map[string]string{"format.regex": "guided_regex", "format.grammar": "guided_grammar"} {
		if e.Detail == from {
			if from == "format.regex" && c.GuidedChoice != nil {
				to = "guided_choice"
			}
			return e.At(to)
		}
	}
	if path, ok := strings.CutPrefix(e.Detail, "format.json_schema"); ok {
		if !null(c.GuidedJSON) {
			return e.At("guided_json" + path)
		}
		return e.At("response_format.json_schema.schema" + path)
	}
	return e
}
