package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"qwill/app/history"
)

func (r *runner) history() *cobra.Command {
	cmd := &cobra.Command{Use: "history", Short: "List what was replaced in other programs in the last 24 hours, and restore originals"}
	cmd.AddCommand(r.historyList(), r.historyShow(), r.historyRestore(), r.historyRemove())
	return cmd
}

// oneLine is the start of a text for a table.
func oneLine(text string) string {
	const limit = 40
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > limit {
		return string(line[:limit-1]) + "…"
	}
	return string(line)
}

func (r *runner) historyList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List replacements, newest first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		a, err := r.app(cmd.Context(), nil)
		if err != nil {
			return err
		}
		defer a.Close()
		all, err := a.History.List(cmd.Context())
		if err != nil {
			return err
		}
		return r.print(all, func(w io.Writer) {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "ID\tTIME\tWHERE\tCOMMAND\tORIGINAL")
			for _, e := range all {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Time.Local().Format(time.DateTime), e.Where, e.Command, oneLine(e.Original))
			}
			t.Flush()
		})
	}}
}

// historyOne is a command that prints something of one entry.
func (r *runner) historyOne(use, short string, print func(w io.Writer, e history.Entry)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := r.app(cmd.Context(), nil)
		if err != nil {
			return err
		}
		defer a.Close()
		e, err := a.History.Find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return r.print(e, func(w io.Writer) { print(w, e) })
	}}
}

func (r *runner) historyShow() *cobra.Command {
	return r.historyOne("show ID", "Show a replacement", func(w io.Writer, e history.Entry) {
		fmt.Fprintf(w, "%s  %s  %s\n\nOriginal:\n%s\n\nReplaced by:\n%s\n", e.Time.Local().Format(time.DateTime), e.Where, e.Command, e.Original, e.Result)
	})
}

func (r *runner) historyRestore() *cobra.Command {
	return r.historyOne("restore ID > FILE", "Print the original, byte for byte", func(w io.Writer, e history.Entry) {
		fmt.Fprint(w, e.Original)
	})
}

func (r *runner) historyRemove() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "rm [ID | --all]", Short: "Erase one replacement from the history, or all", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return usageError{errors.New("nothing was erased: name one replacement, or say --all")}
			}
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			if all {
				return a.History.EraseAll(cmd.Context())
			}
			return a.History.Erase(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "erase the whole history")
	return cmd
}
