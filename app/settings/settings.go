// Package settings holds the user's choices, checks them and tells when they
// change.
package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/shortcut"
	"qwill/app/suggest"
	"qwill/engine"
)

// Settings are the user's choices.
type Settings struct {
	Model        string      `json:"model"` // installed model for new chats and commands; "" = the first installed
	Mode         engine.Mode `json:"mode"`
	Language     string      `json:"language"` // system, en, zh-Hans
	Theme        string      `json:"theme"`    // system, light, dark
	SystemPrompt string      `json:"system_prompt"`
	Thinking     bool        `json:"thinking"`
	Sampling     Sampling    `json:"sampling"`
	ReduceMotion bool        `json:"reduce_motion"`
	TextSize     int         `json:"text_size"` // percent: one of TextSizes
	SendKey      string      `json:"send_key"`  // enter, mod-enter
	// Offline is the one switch: it forbids every connection off this machine.
	Offline       bool      `json:"offline"`
	IdleMinutes   int       `json:"idle_minutes"` // unload the model after so long without use; 0 = never
	Retention     Retention `json:"retention"`
	Hotkey        string    `json:"hotkey"` // of the quick prompt, such as "Ctrl+Alt+Space"
	HotkeyEnabled bool      `json:"hotkey_enabled"`
	// KeepHistory keeps what was replaced in other programs for a day, so that
	// the original can be had again.
	KeepHistory bool `json:"keep_history"`
	Suggestions bool `json:"suggestions"` // as one types
	// SuggestElsewhere suggests in other programs' editors.
	SuggestElsewhere bool `json:"suggest_elsewhere"`
	// SuggestModel is the installed model that suggests; "" = the smallest.
	SuggestModel     string        `json:"suggest_model"`
	SuggestOnBattery bool          `json:"suggest_on_battery"`
	SuggestDelay     int           `json:"suggest_delay"` // from the last key to the request, in milliseconds
	SuggestRules     suggest.Rules `json:"suggest_rules"` // the person's own, before the built-in ones
	FirstRunDone     bool          `json:"first_run_done"`
}

// Retention says for each door how long its conversations are kept: one of
// Periods.
type Retention struct {
	Chat     string `json:"chat"`
	Prompt   string `json:"prompt"`
	Services string `json:"services"`
	Server   string `json:"server"`
}

// None and Forever are the ends of Periods.
const (
	None    = "none" // never written to the disk
	Forever = "forever"
)

// Periods are the values of a Retention, shortest first.
var Periods = []string{None, "day", "week", "month", "year", Forever}

// TextSizes are the sizes of the page's text, in percent.
var TextSizes = []int{90, 100, 110, 125, 150}

// IdleLimit is the longest time before a model is unloaded, in minutes.
const IdleLimit = 24 * 60

// SuggestDelayLimit is the longest SuggestDelay, in milliseconds, and
// SuggestRulesLimit the most rules of one's own.
const (
	SuggestDelayLimit = 2000
	SuggestRulesLimit = 200
)

// HotkeyLimit is the longest name of a shortcut in bytes.
const HotkeyLimit = 64

// Sampling is the engine's sampling and the length of an answer in tokens; a
// nil field means the model's default.
type Sampling struct {
	engine.Sampling
	MaxTokens *int `json:"max_tokens,omitempty"`
}

// Defaults are the choices of a new user.
func Defaults() Settings {
	return Settings{Mode: engine.ModeFast, Language: "system", Theme: "system", TextSize: 100, SendKey: "enter", IdleMinutes: 10,
		Retention: Retention{Chat: "forever", Prompt: "none", Services: "none", Server: "none"}, Hotkey: "Ctrl+Alt+Space", KeepHistory: true,
		SuggestDelay: 30, SuggestRules: suggest.Rules{}}
}

// SystemPromptLimit is the longest system prompt in bytes.
const SystemPromptLimit = 256 << 10

// Validate names the first field that is out of range.
func (s Settings) Validate() error {
	if err := oneOf("mode", string(s.Mode), string(engine.ModeFast), string(engine.ModeExact)); err != nil {
		return err
	}
	if err := oneOf("language", s.Language, "system", "en", "zh-Hans"); err != nil {
		return err
	}
	if err := oneOf("theme", s.Theme, "system", "light", "dark"); err != nil {
		return err
	}
	if len(s.SystemPrompt) > SystemPromptLimit {
		return errs.InvalidField("system_prompt", "The system prompt is longer than %d bytes.", SystemPromptLimit)
	}
	if !slices.Contains(TextSizes, s.TextSize) {
		return errs.InvalidField("text_size", "%d is not one of %v.", s.TextSize, TextSizes)
	}
	if err := oneOf("send_key", s.SendKey, "enter", "mod-enter"); err != nil {
		return err
	}
	if s.IdleMinutes < 0 || s.IdleMinutes > IdleLimit {
		return errs.InvalidField("idle_minutes", "%d is out of range.", s.IdleMinutes).Try("give minutes from 0 (never) up to %d", IdleLimit)
	}
	if len(s.Hotkey) > HotkeyLimit {
		return errs.InvalidField("hotkey", "The shortcut's name is longer than %d bytes.", HotkeyLimit)
	}
	if s.Hotkey != "" {
		if _, err := shortcut.Parse(s.Hotkey); err != nil {
			return errs.InvalidField("hotkey", "%s.", err.Error()).Try("write it like Ctrl+Alt+Space")
		}
	}
	if s.SuggestDelay < 0 || s.SuggestDelay > SuggestDelayLimit {
		return errs.InvalidField("suggest_delay", "%d is out of range.", s.SuggestDelay).Try("give milliseconds from 0 up to %d", SuggestDelayLimit)
	}
	if len(s.SuggestRules) > SuggestRulesLimit {
		return errs.InvalidField("suggest_rules", "There are %d rules.", len(s.SuggestRules)).Try("give at most %d", SuggestRulesLimit)
	}
	for i, r := range s.SuggestRules {
		if err := r.Check(); err != nil {
			return errs.InvalidField("suggest_rules", "Rule %d does not fit: %v.", i+1, err)
		}
	}
	for _, door := range []struct{ name, period string }{
		{"chat", s.Retention.Chat}, {"prompt", s.Retention.Prompt}, {"services", s.Retention.Services}, {"server", s.Retention.Server},
	} {
		if err := oneOf("retention."+door.name, door.period, Periods...); err != nil {
			return err
		}
	}
	return s.Sampling.Validate()
}

func oneOf(field, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return errs.InvalidField(field, "%q is not one of %s.", value, strings.Join(allowed, ", "))
}

// Validate names the first field that is out of range.
func (s Sampling) Validate() error {
	number := func(field string, v *float64, lo, hi float64, open bool) error {
		if v == nil {
			return nil
		}
		if math.IsNaN(*v) || *v < lo || *v > hi || open && *v == lo || field == "min_p" && *v == hi {
			from := "from"
			if open {
				from = "above"
			}
			return errs.InvalidField(field, "%v is out of range.", *v).Try("give a number %s %v up to %v", from, lo, hi)
		}
		return nil
	}
	if s.TopK != nil && (*s.TopK < 0 || *s.TopK > 1_000_000) {
		return errs.InvalidField("top_k", "%d is out of range.", *s.TopK).Try("give a whole number from 0 (off) up to 1000000")
	}
	if s.MaxTokens != nil && (*s.MaxTokens < 1 || *s.MaxTokens > MaxTokensLimit) {
		return errs.InvalidField("max_tokens", "%d is out of range.", *s.MaxTokens).Try("give a whole number from 1 up to %d", MaxTokensLimit)
	}
	return first(
		number("temperature", s.Temperature, 0, 2, false),
		number("top_p", s.TopP, 0, 1, true),
		number("min_p", s.MinP, 0, 1, false),
		number("presence_penalty", s.PresencePenalty, -2, 2, false),
		number("repetition_penalty", s.RepetitionPenalty, 0, 10, true),
	)
}

// MaxTokensLimit is the longest answer that can be asked for, in tokens.
const MaxTokensLimit = 1 << 20

func first(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// Store keeps settings by name.
type Store interface {
	ReadSettings(ctx context.Context) (map[string]json.RawMessage, error)
	WriteSettings(ctx context.Context, values map[string]json.RawMessage) error
}

// Service holds the settings in memory and in the store.
type Service struct {
	store  Store
	events *events.Broker

	mu  sync.Mutex
	now Settings
}

// Open reads the settings; values that no longer fit fall back to defaults.
func Open(ctx context.Context, store Store, broker *events.Broker) (*Service, error) {
	stored, err := store.ReadSettings(ctx)
	if err != nil {
		return nil, err
	}
	now := Defaults()
	for name, raw := range stored {
		one, err := json.Marshal(map[string]json.RawMessage{name: raw})
		if err != nil {
			continue
		}
		next := now
		if json.Unmarshal(one, &next) == nil && next.Validate() == nil {
			now = next
		}
	}
	return &Service{store: store, events: broker, now: now}, nil
}

// Get returns the settings in force.
func (s *Service) Get() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Reset gives every setting its default again.
func (s *Service) Reset(ctx context.Context) error {
	all, err := json.Marshal(Defaults())
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	_, err = s.Update(ctx, all)
	return err
}

// Update applies a partial JSON object: named fields are replaced whole, the
// others stay. Nothing changes when a field is unknown or out of range.
func (s *Service) Update(ctx context.Context, partial []byte) (Settings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := merge(s.now, partial)
	if err != nil {
		return Settings{}, err
	}
	if err := next.Validate(); err != nil {
		return Settings{}, err
	}
	values, err := fields(next)
	if err != nil {
		return Settings{}, err
	}
	if err := s.store.WriteSettings(ctx, values); err != nil {
		return Settings{}, err
	}
	s.now = next
	s.events.Publish(events.Event{Name: "settings", Data: next})
	return next, nil
}

func merge(now Settings, partial []byte) (Settings, error) {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(partial, &named); err != nil || named == nil {
		return now, errs.New(errs.BadJSON, 400, "The settings are not a JSON object.").Because(err)
	}
	if _, ok := named["sampling"]; ok {
		now.Sampling = Sampling{}
	}
	if _, ok := named["suggest_rules"]; ok {
		now.SuggestRules = suggest.Rules{} // not decoded into the rules in force
	}
	d := json.NewDecoder(bytes.NewReader(partial))
	d.DisallowUnknownFields()
	if err := d.Decode(&now); err != nil && !errors.Is(err, io.EOF) {
		return now, FieldError(err)
	}
	if now.SuggestRules == nil { // null
		now.SuggestRules = suggest.Rules{}
	}
	return now, nil
}

// FieldError turns a JSON decoding error into one that names the field.
func FieldError(err error) *errs.Error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		// The path holds embedded structs' names, which users never see.
		field := e.Field[strings.LastIndex(e.Field, ".")+1:]
		return errs.InvalidField(field, "A %s does not fit here.", e.Value).Because(err)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return errs.InvalidField(strings.Trim(name, `"`), "There is no such field.").Because(err)
	}
	return errs.New(errs.BadJSON, 400, "The request is not valid JSON.").Because(err)
}

func fields(s Settings) (map[string]json.RawMessage, error) {
	v := reflect.ValueOf(s)
	out := make(map[string]json.RawMessage, v.NumField())
	for i := range v.NumField() {
		raw, err := json.Marshal(v.Field(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("encode settings: %w", err)
		}
		out[v.Type().Field(i).Tag.Get("json")] = raw
	}
	return out, nil
}
