package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/events"
	"qwill/app/write"
	"qwill/app/write/rich"
)

func (r *runner) write() *cobra.Command {
	var model modelFlags
	var sampling samplingFlags
	var in api.WriteRequest
	var set []string
	var format string
	var explain bool
	options := map[string]*string{}
	var list strings.Builder
	for _, c := range command.All() {
		fmt.Fprintf(&list, "\n  %-13s %s", c.ID, c.Title)
	}
	cmd := &cobra.Command{
		Use: "write COMMAND [flags] < in > out", Short: "Rewrite, proofread, translate … a text given on stdin",
		Long: "Runs a command on the text on stdin and writes the result to stdout. Commands:\n" + list.String() +
			"\n\nYour own are listed by: qwill commands list",
		Example:   "  qwill write proofread < letter.txt\n  qwill write proofread --explain < letter.txt\n  qwill write reply --drafts < message.txt\n  qwill write translate --language German < letter.txt\n  qwill write instruct --instruction \"Make it rhyme\" < letter.txt",
		Args:      cobra.ExactArgs(1),
		ValidArgs: command.IDs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Command = args[0]
			own, err := sampling.read(cmd)
			if err != nil {
				return err
			}
			in.Options = map[string]string{}
			for _, pair := range set {
				name, value, ok := strings.Cut(pair, "=")
				if !ok {
					return usageError{fmt.Errorf("--set %q is not NAME=VALUE", pair)}
				}
				in.Options[name] = value
			}
			for name, value := range options {
				if cmd.Flags().Changed(name) {
					in.Options[name] = *value
				}
			}
			if in.Text, err = r.input("a text on stdin: qwill write " + in.Command + " < in > out"); err != nil {
				return err
			}
			var styled rich.Document
			if format != "text" {
				if styled, err = rich.Parse(format, []byte(in.Text)); err != nil {
					return err
				}
				in.Text = styled.Text()
			}
			ctx := cmd.Context()
			a, err := r.app(ctx, nil)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := known(a.Commands, in.Command); err != nil {
				return err
			}
			if err := a.Writer.CheckRequest(in); err != nil {
				return err
			}
			mode, err := model.arithmetic(a.Settings.Get())
			if err != nil {
				return err
			}
			c, err := a.Commands.Find(in.Command)
			if err != nil {
				return err
			}
			if styled != nil && c.Shape != command.ShapeDiff {
				return usageError{fmt.Errorf("%s writes another text, which has no styles to keep; leave --format out", c.ID)}
			}
			m, err := a.Models.Resolve(ctx, cmp.Or(model.model, c.Model))
			if err != nil {
				return err
			}
			bar := r.progress()
			res, err := a.Writer.WriteWith(ctx, in, m, mode, own, func(e events.Event) {
				switch d := e.Data.(type) {
				case chat.Loading:
					bar.show("Loading %s, %d %%", m.Name, d.Percent)
				case chat.Prefill:
					bar.show("Reading %d of %d tokens", d.Done, d.Total)
				case api.Section:
					bar.show("Section %d of %d", d.Index, d.Count)
				case api.Again:
					bar.show("%s Trying once more", d.Faults[0].Sentence())
				case chat.Delta:
					bar.show("Writing")
				}
			})
			bar.clear()
			if err != nil && ctx.Err() == nil {
				return err
			}
			if res.Warning != "" && ctx.Err() == nil {
				fmt.Fprintf(r.Err, "qwill: %s\n", res.Warning.Sentence())
			}
			for _, f := range res.Warnings() {
				fmt.Fprintf(r.Err, "qwill: %s\n", f.Sentence())
			}
			if explain {
				explainChanges(r.Err, res.Diff)
			}
			if styled != nil {
				b, err := styled.Apply(res.Diff, rich.All)
				if err != nil {
					return err
				}
				res.Text = string(b)
			}
			if perr := r.print(res, func(w io.Writer) {
				for i, d := range res.Drafts {
					if i > 0 {
						fmt.Fprintln(w)
					}
					fmt.Fprintf(w, "[%s]\n%s\n", d.Intent, d.Text)
				}
				if len(res.Drafts) > 0 {
					return
				}
				fmt.Fprint(w, res.Text)
				if res.Text != "" && !strings.HasSuffix(res.Text, "\n") {
					fmt.Fprintln(w)
				}
			}); perr != nil {
				return perr
			}
			if ctx.Err() != nil {
				return errInterrupted
			}
			return nil
		},
	}
	model.add(cmd)
	sampling.add(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "of stdin and stdout: text (Markdown too), "+strings.Join(rich.Formats, ", ")+"; styles stay where the words stay")
	cmd.Flags().StringArrayVar(&set, "set", nil, "an option of one of your own commands, as NAME=VALUE")
	cmd.Flags().BoolVar(&explain, "explain", false, "say on stderr what was changed and why, as far as the model told")
	cmd.Flags().BoolVar(&in.Drafts, "drafts", false, "three drafts of different intent to choose from, for the command reply")
	cmd.Flags().StringVar(&in.Instruction, "instruction", "", "what to do with the text, for the command instruct")
	for _, c := range command.All() {
		for _, o := range c.Options {
			if options[o.Name] == nil {
				options[o.Name] = cmd.Flags().String(o.Name, o.Default, fmt.Sprintf("%s, for the command %s", o.Title, c.ID))
			}
		}
	}
	return cmd
}

// explainChanges lists what was changed, with the kind and the reason where
// they are known.
func explainChanges(w io.Writer, diff []write.Segment) {
	for _, s := range diff {
		if s.Kind != write.Change {
			continue
		}
		fmt.Fprintf(w, "%q → %q", s.Old, s.New)
		if s.Why != nil {
			fmt.Fprintf(w, "  %s", s.Why.Kind)
			if s.Why.Text != "" {
				fmt.Fprintf(w, ": %s", s.Why.Text)
			}
		}
		fmt.Fprintln(w)
	}
}

// known suggests the command that was perhaps meant.
func known(registry *command.Registry, id string) error {
	if _, err := registry.Find(id); err == nil {
		return nil
	}
	text := fmt.Sprintf("there is no command %q to write with", id)
	probe := &cobra.Command{SuggestionsMinimumDistance: 2}
	var ids []string
	for _, c := range registry.All() {
		ids = append(ids, c.ID)
	}
	for _, name := range ids {
		probe.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	if near := probe.SuggestionsFor(id); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	} else {
		text += "; use one of " + strings.Join(ids, ", ")
	}
	return usageError{errors.New(text)}
}
