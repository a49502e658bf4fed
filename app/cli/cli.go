// Package cli is the command line: one subcommand for each job. Answers go to
// stdout, everything else to stderr.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/settings"
	"qwill/app/wire"
	"qwill/engine"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // Ctrl-C; what was written until then stays
)

// Config joins the command line to what only the main package has.
type Config struct {
	Static fs.FS  // the built page
	Window Window // nil where this binary was built without one

	In       io.Reader // default: the process's own
	Out, Err io.Writer
}

// runner holds what all subcommands share.
type runner struct {
	Config
	json bool
}

// Main runs the command line and gives the exit code. The first Ctrl-C or
// SIGTERM ends the work in order, the second at once.
func Main(c Config, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Run(ctx, c, args)
}

// Run is Main without signals: the end of ctx is Ctrl-C.
func Run(ctx context.Context, c Config, args []string) int {
	if c.In == nil {
		c.In = os.Stdin
	}
	if c.Out == nil {
		c.Out = os.Stdout
	}
	if c.Err == nil {
		c.Err = os.Stderr
	}
	r := &runner{Config: c}
	slog.SetDefault(slog.New(diag.Terminal(c.Err, slog.LevelError)))
	root := r.root()
	root.SetArgs(args)
	return r.exit(root.ExecuteContext(ctx))
}

// errInterrupted ends a command after Ctrl-C; its output is out already.
var errInterrupted = errors.New("interrupted")

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func (r *runner) exit(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	e := errs.From(err)
	code := exitFailure
	usage, isUsage := errors.AsType[usageError](err)
	// What cobra itself refuses (flags, arguments, commands) is untyped.
	if _, typed := errors.AsType[*errs.Error](err); isUsage || !typed && e.Code == errs.Internal {
		code = exitUsage
		if isUsage {
			e = errs.New(errs.Invalid, 400, "%s", usage.Error())
		} else {
			e = errs.New(errs.Invalid, 400, "%s", err.Error())
		}
		e.Hint = "see: qwill help"
	}
	if r.json {
		b, _ := json.Marshal(map[string]*errs.Error{"error": e})
		fmt.Fprintf(r.Err, "%s\n", b)
		return code
	}
	fmt.Fprintf(r.Err, "qwill: %s\n", e.Message)
	if e.Detail != "" {
		fmt.Fprintf(r.Err, "  where: %s\n", e.Detail)
	}
	if e.Hint != "" {
		fmt.Fprintf(r.Err, "  try:   %s\n", strings.ReplaceAll(e.Hint, "\n", "\n         "))
	}
	return code
}

func (r *runner) root() *cobra.Command {
	var addr, action string
	var prompt, background bool
	root := &cobra.Command{
		Use:   "qwill",
		Short: "Private writing and chat with models that run on this machine",
		Long: `Qwill rewrites text and chats with models that run on this machine.
Without a command it opens its window, or serves the same interface on
127.0.0.1 where there is no display.

Answers go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed,
2 wrong use, 130 interrupted by Ctrl-C.`,
		Version:       wire.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknown(cmd, args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case prompt:
				action = "prompt"
			case background:
				action = "background"
			}
			return r.open(cmd.Context(), addr, action)
		},
	}
	root.SetIn(r.In)
	root.SetOut(r.Out)
	root.SetErr(r.Err)
	root.PersistentFlags().BoolVar(&r.json, "json", false, "write JSON")
	root.Flags().StringVar(&addr, "addr", defaultAddr, "address of the interface where there is no display")
	root.Flags().BoolVar(&prompt, "prompt", false, "open the quick prompt instead of the main window")
	root.Flags().BoolVar(&background, "background", false, "open no window until one is asked for")
	root.Flags().StringVar(&action, "action", "", "do this in the window: new-chat, quick-prompt, settings, command.ID (on the copied text), quit")
	root.MarkFlagsMutuallyExclusive("prompt", "background", "action")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(r.chat(), r.chats(), r.write(), r.commands(), r.history(), r.models(), r.quantize(), r.connections(), r.serve(), r.bench(), r.eval(), r.doctor(), r.erase(), r.licences(), r.autostart(), r.ui())
	return root
}

// unknown names the commands that were perhaps meant.
func unknown(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{errors.New(text)}
}

// group is a command that only holds others.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknown(cmd, args[0])
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		return usageError{fmt.Errorf("say which: %s %s", cmd.CommandPath(), strings.Join(names, "|"))}
	}
	return cmd
}

// app opens Qwill's parts for a command and tells the user what must be known.
// The log of the engine's life is nil for commands that end with its error.
func (r *runner) app(ctx context.Context, log *slog.Logger) (*wire.App, error) {
	a, err := wire.Open(ctx, log)
	if err != nil {
		return nil, err
	}
	for _, n := range a.Notices {
		fmt.Fprintf(r.Err, "qwill: %s\n", n)
	}
	return a, nil
}

// print writes a command's answer: v as JSON, or what plain writes.
func (r *runner) print(v any, plain func(w io.Writer)) error {
	if !r.json {
		plain(r.Out)
		return nil
	}
	e := json.NewEncoder(r.Out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// modelFlags choose a model and how it computes.
type modelFlags struct{ model, mode string }

func (f *modelFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.model, "model", "m", "", "installed model's name, or a folder in MLX form (default: the one chosen in the settings)")
	cmd.Flags().StringVar(&f.mode, "mode", "", "exact or fast arithmetic (default: the one chosen in the settings)")
}

func (f *modelFlags) arithmetic(s settings.Settings) (engine.Mode, error) {
	switch engine.Mode(f.mode) {
	case "":
		return s.Mode, nil
	case engine.ModeExact, engine.ModeFast:
		return engine.Mode(f.mode), nil
	}
	return "", usageError{fmt.Errorf("--mode is exact or fast, not %q", f.mode)}
}

// samplingFlags are the decoding settings; those not given stay the model's.
type samplingFlags struct {
	temp, topP, minP float64
	topK, maxTokens  int
	seed             uint64
}

func (f *samplingFlags) add(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&f.temp, "temp", 0, "temperature from 0 (always the likeliest) to 2 (default: the model's)")
	cmd.Flags().Float64Var(&f.topP, "top-p", 0, "keep the likeliest tokens up to this probability (default: the model's)")
	cmd.Flags().Float64Var(&f.minP, "min-p", 0, "drop tokens below this share of the likeliest (default: the model's)")
	cmd.Flags().IntVar(&f.topK, "top-k", 0, "keep so many of the likeliest tokens, 0 all (default: the model's)")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "same seed, same text (default: a new one each time)")
	cmd.Flags().IntVar(&f.maxTokens, "max-tokens", 0, "longest answer in tokens (default: until the context is full)")
	for _, name := range []string{"temp", "top-p", "min-p", "top-k", "seed", "max-tokens"} {
		cmd.Flags().Lookup(name).DefValue = "" // zero is a choice, not the default
	}
}

func (f *samplingFlags) read(cmd *cobra.Command) (settings.Sampling, error) {
	var s settings.Sampling
	given := cmd.Flags().Changed
	if given("temp") {
		s.Temperature = &f.temp
	}
	if given("top-p") {
		s.TopP = &f.topP
	}
	if given("min-p") {
		s.MinP = &f.minP
	}
	if given("top-k") {
		s.TopK = &f.topK
	}
	if given("seed") {
		s.Seed = &f.seed
	}
	if given("max-tokens") {
		s.MaxTokens = &f.maxTokens
	}
	return s, s.Validate()
}

// inputLimit is the longest text read from stdin in bytes.
const inputLimit = 16 << 20

// input reads the whole of stdin.
func (r *runner) input(what string) (string, error) {
	if f, ok := r.In.(*os.File); ok && terminal(f) {
		return "", usageError{fmt.Errorf("give %s", what)}
	}
	b, err := io.ReadAll(io.LimitReader(r.In, inputLimit+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read stdin: %w", err)
	case len(b) > inputLimit:
		return "", errs.New(errs.TooLarge, 413, "The text on stdin is longer than %d bytes.", inputLimit).Try("give it in parts")
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progress writes a passing line to stderr when a person looks at it.
type progress struct {
	w     io.Writer
	shown bool
}

func (r *runner) progress() *progress {
	if f, ok := r.Err.(*os.File); ok && terminal(f) && !r.json {
		return &progress{w: f}
	}
	return &progress{}
}

func (p *progress) show(format string, args ...any) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
		p.shown = true
	}
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
