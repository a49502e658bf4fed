package cli

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"qwill/app/command"
	"qwill/app/errs"
)

func (r *runner) commands() *cobra.Command {
	cmd := &cobra.Command{Use: "commands", Short: "List the commands, and make, exchange or remove your own"}
	cmd.AddCommand(r.commandsList(), r.commandsAdd(), r.commandsRemove(), r.commandsExport(), r.commandsImport())
	return cmd
}

func (r *runner) commandsList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List all commands", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		a, err := r.app(cmd.Context(), nil)
		if err != nil {
			return err
		}
		defer a.Close()
		all := a.Commands.All()
		return r.print(all, func(w io.Writer) {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "COMMAND\tKEY\tRESULT\tTITLE")
			for _, c := range all {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.ID, c.Key, c.Shape, c.Title)
			}
			t.Flush()
		})
	}}
}

func (r *runner) commandsAdd() *cobra.Command {
	var c command.Custom
	var temperature float64
	cmd := &cobra.Command{
		Use: "add TITLE --instruction TEXT", Short: "Make a command of your own", Args: cobra.ExactArgs(1),
		Example: "  qwill commands add \"Plain words\" --instruction \"Say it in plain words\" --shape diff --keep",
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Title = args[0]
			if cmd.Flags().Changed("temperature") {
				c.Temperature = &temperature
			}
			if err := c.Validate(); err != nil {
				return err
			}
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			made, err := a.Commands.Put(cmd.Context(), c)
			if err != nil {
				return err
			}
			return r.print(made, func(w io.Writer) {
				fmt.Fprintf(w, "Made %s. Use it with: qwill write %s < in > out\n", made.Title, made.ID)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Instruction, "instruction", "", "what to do with the text")
	f.StringVar(&c.Shape, "shape", command.ShapeText, "diff (the text again, changed) or text (another text)")
	f.StringVar(&c.Model, "model", "", "installed model it always runs on")
	f.Float64Var(&temperature, "temperature", 0.5, "of the sampling, 0 to 2")
	f.StringVar(&c.Key, "key", "", "1 to 9 in the quick prompt")
	f.BoolVar(&c.Keep, "keep", false, "check that facts and layout survive")
	return cmd
}

func (r *runner) commandsRemove() *cobra.Command {
	return &cobra.Command{Use: "rm ID", Short: "Remove a command of your own", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := r.app(cmd.Context(), nil)
		if err != nil {
			return err
		}
		defer a.Close()
		return a.Commands.Remove(cmd.Context(), args[0])
	}}
}

func (r *runner) commandsExport() *cobra.Command {
	return &cobra.Command{Use: "export [ID…] > FILE", Short: "Write your commands to stdout, as a file to give away", RunE: func(cmd *cobra.Command, args []string) error {
		a, err := r.app(cmd.Context(), nil)
		if err != nil {
			return err
		}
		defer a.Close()
		b, err := a.Commands.Export(args...)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.Out, "%s\n", b)
		return err
	}}
}

func (r *runner) commandsImport() *cobra.Command {
	return &cobra.Command{Use: "import FILE…", Short: "Take in files of commands", Args: cobra.MinimumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := r.app(cmd.Context(), nil)
		if err != nil {
			return err
		}
		defer a.Close()
		all := []command.Custom{}
		for _, file := range args {
			b, err := os.ReadFile(file)
			if err != nil {
				return errs.New(errs.NotFound, 404, "The file cannot be read.").At(file).Because(err).Try("check its path")
			}
			in, skipped, err := a.Commands.Import(cmd.Context(), b)
			if err != nil {
				return errs.From(err).At(file)
			}
			for _, s := range skipped {
				fmt.Fprintf(r.Err, "qwill: skipped %v\n", s)
			}
			all = append(all, in...)
		}
		return r.print(all, func(w io.Writer) {
			fmt.Fprintf(w, "%d taken in\n", len(all))
			for _, c := range all {
				fmt.Fprintf(w, "  %s  %s\n", c.ID, c.Title)
			}
		})
	}}
}
