package shell

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qwill/app/command"
)

type recorder struct {
	shown              []Surface
	stop, unload, quit int
}

func (r *recorder) Show(s Surface)    { r.shown = append(r.shown, s) }
func (r *recorder) Clipboard() string { return "copied" }
func (r *recorder) StopWriting()      { r.stop++ }
func (r *recorder) Unload()           { r.unload++ }
func (r *recorder) Quit()             { r.quit++ }

var commands = []Command{{"rewrite", "Rewrite"}, {"summarize", "Summarize"}}

// lines gives the titles that a user sees; submenus in brackets.
func lines(entries []Entry) string {
	var all []string
	for _, e := range entries {
		switch {
		case e.Hidden:
		case e.Entries != nil:
			all = append(all, e.Title+"["+lines(e.Entries)+"]")
		default:
			all = append(all, e.Title)
		}
	}
	return strings.Join(all, "|")
}

func TestMenu(t *testing.T) {
	chats := []Chat{{"a", "Sea"}, {"b", ""}, {"c", "line\nbreak"}, {"d", strings.Repeat("long ", 20)}, {"e", "E"}, {"f", "F"}}
	for _, tt := range []struct {
		name   string
		status Status
		want   string
	}{
		{"idle", Status{State: StateIdle, Resident: true},
			"Open Qwill|Ready||New Chat|Quick Prompt|With the Copied Text[Rewrite|Summarize]||Free the Model’s Memory|Settings…|Quit Qwill"},
		{"asleep", Status{State: StateIdle},
			"Open Qwill|Asleep until needed||New Chat|Quick Prompt|With the Copied Text[Rewrite|Summarize]||Settings…|Quit Qwill"},
		{"writing", Status{State: StateWriting, Resident: true, Recent: chats},
			"Open Qwill|Writing…||New Chat|Quick Prompt|Recent Chats[Sea|New Chat|line break|long long long long long long long long…|E]|" +
				"With the Copied Text[Rewrite|Summarize]||Stop Writing|Settings…|Quit Qwill"},
		{"loading", Status{State: StateLoading, Percent: 40, Language: "zh-Hans"},
			"打开 Qwill|正在加载模型，40%||新对话|快捷输入|处理已复制的文本[改写|总结]||设置…|退出 Qwill"},
		{"no model", Status{State: StateNoModel, Language: "fr"},
			"Open Qwill|No model is installed||New Chat|Quick Prompt|With the Copied Text[Rewrite|Summarize]||Settings…|Quit Qwill"},
	} {
		if got := lines(Menu(tt.status, commands, &recorder{})); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestDo(t *testing.T) {
	var r recorder
	for _, name := range []string{"", "main", "prompt", "new-chat", "quick-prompt", "settings", "command.rewrite", "stop", "unload", "quit"} {
		if !Do(name, commands, &r) {
			t.Errorf("no action %q", name)
		}
	}
	want := []Surface{{Surface: Main}, {Surface: Main}, {Surface: Prompt}, {Surface: Main, Open: OpenNew}, {Surface: Prompt},
		{Surface: Main, Open: OpenSettings}, {Surface: Prompt, Text: "copied", Command: "rewrite"}}
	if !slices.Equal(r.shown, want) || r.stop != 1 || r.unload != 1 || r.quit != 1 {
		t.Errorf("did %+v, want %v", r, want)
	}
	for _, name := range []string{"command.sing", "chat.1", "state", "recent", "explode"} {
		if Do(name, commands, &r) {
			t.Errorf("%q did something", name)
		}
	}
	Menu(Status{Recent: []Chat{{"a", "Sea"}}}, commands, &r)[5].Entries[0].Run()
	if got := r.shown[len(want)]; got != (Surface{Surface: Main, Open: OpenChat, Chat: "a"}) {
		t.Errorf("a recent chat showed %v", got)
	}
}

// Every language says everything, every command included.
func TestWords(t *testing.T) {
	for language, w := range words {
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s lacks %s", language, v.Type().Field(i).Name)
			}
		}
		for _, c := range command.All() {
			if c.Key != "" && w.Commands[c.ID] == "" {
				t.Errorf("%s lacks the command %s", language, c.ID)
			}
		}
	}
	for tag, want := range map[string]string{"zh-Hans": "zh-Hans", "zh_CN.UTF-8": "zh-Hans", "zh": "zh-Hans", "zh-TW": "en", "zh-Hant": "en", "de_DE": "en", "": "en"} {
		if got := Language(tag); got != want {
			t.Errorf("%q is %q, want %q", tag, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	failure := errors.New("no model is installed")
	tests := []struct {
		name, command, text string
		write               func(context.Context, string, string) (string, error)
		want                string
		err                 string
	}{
		{name: "answers", command: "rewrite", text: "hi\xff", want: "rewrite:hi\uFFFD",
			write: func(_ context.Context, c, s string) (string, error) { return c + ":" + s, nil }},
		{name: "unknown command", command: "sing", text: "hi", err: `no command "sing"`},
		{name: "no text", command: "rewrite", text: " \n", err: "no text is selected"},
		{name: "too long", command: "rewrite", text: strings.Repeat("a", TextLimit+1), err: "the limit is 256 KB"},
		{name: "fails", command: "rewrite", text: "hi", err: failure.Error(),
			write: func(context.Context, string, string) (string, error) { return "half", failure }},
		{name: "empty answer", command: "rewrite", text: "hi", err: "gave no text",
			write: func(context.Context, string, string) (string, error) { return "\n", nil }},
		{name: "too slow", command: "rewrite", text: "hi", err: ErrSlow.Error(),
			write: func(ctx context.Context, _, _ string) (string, error) { <-ctx.Done(); return "late", nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Service{Commands: commands, Write: tt.write, Deadline: 50 * time.Millisecond}
			got, err := s.Replace(tt.command, tt.text)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestReplaceRefusesASecondRequest(t *testing.T) {
	started, release := make(chan bool), make(chan bool)
	s := &Service{Commands: commands, Write: func(context.Context, string, string) (string, error) {
		started <- true
		<-release
		return "done", nil
	}}
	first := make(chan string)
	go func() { out, _ := s.Replace("rewrite", "one"); first <- out }()
	<-started
	if _, err := s.Replace("rewrite", "two"); !errors.Is(err, ErrBusy) {
		t.Errorf("second request: %v, want ErrBusy", err)
	}
	close(release)
	if out := <-first; out != "done" {
		t.Errorf("first request gave %q", out)
	}
	go func() { <-started }()
	if out, err := s.Replace("rewrite", "three"); out != "done" || err != nil {
		t.Errorf("third request gave %q, %v", out, err)
	}
}
