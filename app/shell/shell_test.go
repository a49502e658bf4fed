package shell

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

type recorder struct {
	shown []Surface
	quit  int
}

func (r *recorder) Show(s Surface)    { r.shown = append(r.shown, s) }
func (r *recorder) Clipboard() string { return "copied" }
func (r *recorder) Quit()             { r.quit++ }

var commands = []Command{{"rewrite", "Rewrite"}, {"summarize", "Summarize"}}

func TestMenu(t *testing.T) {
	var r recorder
	var titles []string
	for _, e := range Menu(commands, &r) {
		titles = append(titles, e.Title)
		if e.Run != nil {
			e.Run()
		}
	}
	want := "Open Qwill|Quick Prompt||Rewrite Copied Text|Summarize Copied Text||Quit Qwill"
	if got := strings.Join(titles, "|"); got != want {
		t.Errorf("titles %q, want %q", got, want)
	}
	surfaces := []Surface{{Surface: Main}, {Surface: Prompt}, {Prompt, "copied", "rewrite"}, {Prompt, "copied", "summarize"}}
	if len(r.shown) != len(surfaces) {
		t.Fatalf("shown %v, want %v", r.shown, surfaces)
	}
	for i := range surfaces {
		if r.shown[i] != surfaces[i] {
			t.Errorf("entry %d showed %v, want %v", i, r.shown[i], surfaces[i])
		}
	}
	if r.quit != 1 {
		t.Errorf("quit %d times, want once", r.quit)
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
