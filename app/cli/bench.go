package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"qwill/app/bench"
	"qwill/engine"
)

func (r *runner) bench() *cobra.Command {
	var model modelFlags
	var opt bench.Options
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure how fast a model reads and writes on this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			if model.mode != "" {
				mode, err := model.arithmetic(a.Settings.Get())
				if err != nil {
					return err
				}
				opt.Modes = []engine.Mode{mode}
			}
			m, err := a.Models.Resolve(cmd.Context(), model.model)
			if err != nil {
				return err
			}
			bar := r.progress()
			opt.Progress = func(mode engine.Mode, run, runs int) { bar.show("%s, run %d of %d", mode, run, runs) }
			report, err := bench.Run(cmd.Context(), a.Engine, m.Path, opt)
			bar.clear()
			if err != nil {
				return err
			}
			report.Model = m.Name
			return r.print(report, func(w io.Writer) {
				fmt.Fprintf(w, "%s on %s\n", report.Model, report.Machine)
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
				fmt.Fprintln(t, "mode\tprompt\tgen\tread tokens/s\twrite tokens/s\tfirst token ms\tpeak MB\t")
				for _, f := range report.Runs {
					fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%.1f\t%.0f\t%.0f\t\n", f.Mode, f.Prompt, f.Gen, f.PrefillPerSecond, f.DecodePerSecond, f.TTFTMillis, float64(f.PeakMemoryBytes)/1e6)
				}
				t.Flush()
			})
		},
	}
	model.add(cmd)
	cmd.Flags().Lookup("mode").Usage = "exact or fast arithmetic (default: both, one after the other)"
	cmd.Flags().IntVar(&opt.Prompt, "prompt", 512, "tokens to read")
	cmd.Flags().IntVar(&opt.Gen, "gen", 128, "tokens to write")
	cmd.Flags().IntVar(&opt.Runs, "runs", 3, "measured runs a mode; medians are reported")
	return cmd
}
