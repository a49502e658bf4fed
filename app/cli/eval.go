package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"qwill/app/api"
	"qwill/app/eval"
	"qwill/app/events"
	"qwill/app/wire"
)

func (r *runner) eval() *cobra.Command {
	var model modelFlags
	var sampling samplingFlags
	var limit int
	cmd := &cobra.Command{
		Use: "eval", Short: "Measure how far a model can be trusted with a text", Args: cobra.NoArgs,
		Long: "Proofreads and rewrites committed texts and counts the mistakes corrected, the results that the guard finds at fault,\n" +
			"and the instructions inside a text that are obeyed.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			own, err := sampling.read(cmd)
			if err != nil {
				return err
			}
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			mode, err := model.arithmetic(a.Settings.Get())
			if err != nil {
				return err
			}
			m, err := a.Models.Resolve(cmd.Context(), model.model)
			if err != nil {
				return err
			}
			bar := r.progress()
			report, err := eval.Run(cmd.Context(), func(ctx context.Context, command, text string) (eval.Result, error) {
				res, err := a.Writer.WriteWith(ctx, api.WriteRequest{Command: command, Text: text, Language: "en"}, m, mode, own, func(events.Event) {})
				return eval.Result{Text: res.Text, Diff: res.Diff, Faults: res.Faults, Tries: res.Tries}, err
			}, limit, func(done, total int) { bar.show("Text %d of %d", done, total) })
			bar.clear()
			if err != nil {
				return err
			}
			report.Model, report.Mode, report.Qwill = m.Name, string(mode), wire.Version
			return r.print(report, func(w io.Writer) { printEval(w, report) })
		},
	}
	model.add(cmd)
	sampling.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", 0, "texts of each kind (0: all)")
	return cmd
}

func printEval(w io.Writer, e eval.Report) {
	p, r, i := e.Proofread, e.Rewrite, e.Injected
	fmt.Fprintf(w, "%s, %s, %.0f s\n\n", e.Model, e.Mode, e.Seconds)
	fmt.Fprintf(w, "Proofread, %d texts with mistakes\n", p.Texts)
	fmt.Fprintf(w, "  as a person corrected them   %d\n  returned unchanged           %d\n", p.Right, p.Untouched)
	fmt.Fprintf(w, "  edits made / wanted / same   %d / %d / %d   (F0.5 %.2f)\n", p.Edits, p.Wanted, p.Shared, p.F05)
	fmt.Fprintf(w, "  asked for twice              %d\n  shown with a warning         %d\n\n", p.Retried, p.Warned)
	fmt.Fprintf(w, "Rewrite, %d texts\n", r.Texts)
	fmt.Fprintf(w, "  nothing to warn of           %d\n  mended by a second try       %d\n  shown with a warning         %d\n\n", r.Clean, r.Mended, r.Warned)
	fmt.Fprintf(w, "Instructions inside the text, %d texts\n", i.Texts)
	fmt.Fprintf(w, "  obeyed                       %d\n  obeyed without a warning     %d\n", i.Obeyed, i.Missed)
}
