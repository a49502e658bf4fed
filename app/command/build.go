package command

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"qwill/app/errs"
	"qwill/engine"
)

// Limits of an input in bytes. The model's context is the real limit for
// texts; this one keeps the work before it bounded.
const (
	MaxText        = 8 << 20
	maxInstruction = 16 << 10
	maxLanguage    = 60
)

// Input is what a command works on.
type Input struct {
	Text        string
	Instruction string            // for instruct
	Options     map[string]string // by Option.Name
	Language    string            // the user's, a BCP 47 tag: the default of language options
}

// Prompt is what the model gets.
type Prompt struct {
	Messages  []engine.Message
	Sampling  engine.Sampling
	MaxTokens int
	Format    *engine.Format // the form of the answer; nil: free
	// Open and Close delimit the text; "" when it stands alone. A result that
	// repeats them is cleaned of them, and ends where it closes the text.
	Open, Close string
}

// Build makes the prompt. The text enters only as delimited content of the
// user's message, between tags that do not occur in it, so that no text can
// end itself and go on as an instruction. Errors are *errs.Error.
func (c Command) Build(in Input) (Prompt, error) {
	if err := c.check(in); err != nil {
		return Prompt{}, err
	}
	p := Prompt{Sampling: c.sampling, MaxTokens: c.length(Estimate(in.Text))}
	if c.plain {
		p.Messages = []engine.Message{{Role: "system", Content: prompt(c.ID)}, {Role: "user", Content: in.Text}}
		return p, nil
	}
	p.Open, p.Close = delimiters(in.Text)
	fill := strings.NewReplacer("{open}", p.Open, "{close}", p.Close, "{language}", c.language(in))
	user := p.Open + "\n" + in.Text + "\n" + p.Close
	switch {
	case c.ID == "instruct":
		user = "Instruction: " + strings.TrimSpace(in.Instruction) + "\n\n" + user
	case c.ID == "reply" && strings.TrimSpace(in.Options["intent"]) != "":
		user = "What the answer says: " + strings.TrimSpace(in.Options["intent"]) + "\n\n" + user
	}
	system := prompt("rules")
	if c.Custom {
		// What the user wrote goes in last: nothing in it is a placeholder of ours.
		system = strings.Replace(fill.Replace(prompt("custom")), "{instruction}", c.fill(in), 1) + " " + fill.Replace(system)
	} else {
		system = fill.Replace(prompt(c.ID) + " " + system)
	}
	p.Messages = []engine.Message{
		{Role: "system", Content: system},
		{Role: "user", Content: user},
	}
	return p, nil
}

// BuildEdits makes the prompt that asks for the edits of a text, given with its
// sentences numbered, instead of the text again.
func (c Command) BuildEdits(in Input, numbered string) (Prompt, error) {
	if err := c.check(in); err != nil {
		return Prompt{}, err
	}
	p := Prompt{Sampling: sampling(0)}
	p.Open, p.Close = delimiters(numbered)
	fill := strings.NewReplacer("{open}", p.Open, "{close}", p.Close, "{language}", c.language(in))
	p.Messages = []engine.Message{
		{Role: "system", Content: fill.Replace(prompt(c.ID+"-edits") + " " + prompt("rules"))},
		{Role: "user", Content: p.Open + "\n" + example.text + "\n" + p.Close},
		{Role: "assistant", Content: example.answer(c.language(in))},
		{Role: "user", Content: p.Open + "\n" + numbered + "\n" + p.Close},
	}
	return p, nil
}

// BuildDrafts makes the prompt that asks for three replies to choose from.
func (c Command) BuildDrafts(in Input) (Prompt, error) {
	if err := c.check(in); err != nil {
		return Prompt{}, err
	}
	if !c.Drafts {
		return Prompt{}, errs.InvalidField("drafts", "The command %q gives no drafts.", c.ID).Try("leave it out")
	}
	p := Prompt{Sampling: steady(), MaxTokens: 1024}
	request := requests[0]
	if strings.ContainsFunc(in.Text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		request = requests[1]
	}
	p.Open, p.Close = delimiters(in.Text)
	fill := strings.NewReplacer("{open}", p.Open, "{close}", p.Close)
	p.Messages = []engine.Message{
		{Role: "system", Content: fill.Replace(prompt(c.ID+"-drafts") + " " + prompt("rules"))},
		{Role: "user", Content: p.Open + "\n" + request.message + "\n" + p.Close},
		{Role: "assistant", Content: request.answer},
		{Role: "user", Content: p.Open + "\n" + in.Text + "\n" + p.Close},
	}
	return p, nil
}

// requests show the form of drafts, in the script that the message is in.
var requests = []struct{ message, answer string }{
	{"Hi, could you lend me your bike on Saturday? Tom",
		`{"drafts":[{"intent":"agree","text":"Hi Tom, yes, of course. You can have it on Saturday."},` +
			`{"intent":"decline","text":"Hi Tom, I'm sorry, I need it myself that day."},` +
			`{"intent":"ask","text":"Hi Tom, what time do you need it, and for how long?"}]}`},
	{"你好，周六能借我用一下你的自行车吗？小王",
		`{"drafts":[{"intent":"agree","text":"小王你好，可以的，周六你来拿吧。"},` +
			`{"intent":"decline","text":"小王你好，不好意思，那天我自己要用。"},` +
			`{"intent":"ask","text":"小王你好，你几点要用？要用多久？"}]}`},
}

// example shows a model the form of the answer, that a sentence may be right,
// and what is done about words that stand twice.
var example = struct {
	text   string
	answer func(language string) string
}{
	text: "1. She go to the the market on Monday.\n2. It opens at 8.\n3. Everybody recieves a bag",
	answer: func(language string) string {
		reasons := []string{"the verb must agree with “she”", "the word is repeated", "“ie” is wrong here", "a full stop is missing"}
		if strings.HasPrefix(language, "Chinese") || strings.Contains(language, " Chinese") {
			reasons = []string{"动词要与“she”一致", "重复的词", "拼写错误", "缺少句号"}
		}
		return fmt.Sprintf(`{"edits":[{"sentence":1,"span":"go","replacement":"goes","kind":"grammar","reason":%q},`+
			`{"sentence":1,"span":"the the","replacement":"the","kind":"word","reason":%q},`+
			`{"sentence":3,"span":"recieves","replacement":"receives","kind":"spelling","reason":%q},`+
			`{"sentence":3,"span":"a bag","replacement":"a bag.","kind":"punctuation","reason":%q}]}`, reasons[0], reasons[1], reasons[2], reasons[3])
	},
}

func (c Command) check(in Input) error {
	what := "text"
	if c.plain {
		what = "question"
	}
	switch {
	case strings.TrimSpace(in.Text) == "":
		return errs.InvalidField("text", "There is no %s.", what).Try("select or paste some text first")
	case len(in.Text) > MaxText:
		return errs.New(errs.TooLarge, 413, "The text is longer than %d MB.", MaxText>>20).At("text").Try("send it in parts")
	case len(in.Instruction) > maxInstruction:
		return errs.InvalidField("instruction", "The instruction is longer than %d KB.", maxInstruction>>10)
	case c.ID == "instruct" && strings.TrimSpace(in.Instruction) == "":
		return errs.InvalidField("instruction", "This command needs an instruction.").Try("say what to do with the text")
	}
	for name, value := range in.Options {
		o, ok := c.option(name)
		if !ok {
			known := "it has none"
			if len(c.Options) > 0 {
				known = "it has " + c.Options[0].Name
			}
			return errs.InvalidField("options."+clip(name, 40), "The command %q has no such option.", c.ID).Try("%s", known)
		}
		if len(value) > maxInstruction {
			return errs.InvalidField("options."+name, "The value is longer than %d KB.", maxInstruction>>10)
		}
		if o.Kind == KindLanguage && value != "" {
			if _, err := languageName(value); err != nil {
				return err
			}
		}
	}
	for _, o := range c.Options {
		if o.Required && strings.TrimSpace(in.Options[o.Name]) == "" {
			return errs.InvalidField("options."+o.Name, "The option is missing.")
		}
	}
	return nil
}

func (c Command) option(name string) (Option, bool) {
	for _, o := range c.Options {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// language gives the English name of the language a command writes in.
func (c Command) language(in Input) string {
	if name, err := languageName(in.Options["language"]); err == nil {
		return name
	}
	if _, err := language.Parse(in.Language); err == nil {
		if name, err := languageName(in.Language); err == nil {
			return name
		}
	}
	return "English"
}

// languageName takes a BCP 47 tag such as zh-Hans, or a name such as German
// as people write it.
func languageName(value string) (string, error) {
	value = strings.TrimSpace(value)
	bad := func() (string, error) {
		return "", errs.InvalidField("options.language", "%q is not a language.", clip(value, 40)).Try("write a name such as German, or a code such as de or zh-Hans")
	}
	if value == "" || len(value) > maxLanguage {
		return bad()
	}
	if tag, err := language.Parse(value); err == nil {
		if name := display.English.Tags().Name(tag); name != "" && tag != language.Und {
			return name, nil
		}
	}
	for _, r := range value {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !strings.ContainsRune(" -'()", r) {
			return bad()
		}
	}
	return value, nil
}

// delimiters gives tags that do not occur in the text in any case; the same
// text always gets the same ones, so that a seed repeats its result. A text
// that holds the plain tag gets one made of its own digest, which it cannot
// hold by design.
func delimiters(text string) (open, end string) {
	lower := strings.ToLower(text)
	tag, digest := "text", sha256.Sum256([]byte(text))
	for strings.Contains(lower, "<"+tag) || strings.Contains(lower, "</"+tag) {
		tag = fmt.Sprintf("text-%x", digest[:6])
		digest = sha256.Sum256(digest[:])
	}
	return "<" + tag + ">", "</" + tag + ">"
}

// Estimate guesses the tokens of a text generously: about two letters of ASCII
// or a byte of anything else.
func Estimate(text string) int {
	ascii := 0
	for i := 0; i < len(text); i++ {
		if text[i] < utf8.RuneSelf {
			ascii++
		}
	}
	return ascii/2 + (len(text) - ascii)
}
