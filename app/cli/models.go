package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (r *runner) models() *cobra.Command {
	cmd := group(&cobra.Command{Use: "models", Short: "Find, download, import, verify and remove models"})
	cmd.AddCommand(r.modelsList(), r.modelsShow(), r.modelsCatalogue(), r.modelsPull(), r.modelsJobs(),
		r.modelsPause(), r.modelsResume(), r.modelsCancel(), r.modelsToken(), r.modelsVerify(), r.modelsFound(), r.modelsImport(), r.modelsExport(), r.modelsRemove())
	return cmd
}

func (r *runner) modelsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the installed models", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.Models.EnsureStarter(cmd.Context()); err != nil {
				fmt.Fprintf(r.Err, "qwill: %v\n", err) // the list is of use without it
			}
			all, err := a.Models.List(cmd.Context())
			if err != nil {
				return err
			}
			return r.print(all, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "NAME\tMODEL\tKIND\tWEIGHTS\tSIZE\tCONTEXT\tFOLDER")
				for _, m := range all {
					folder := m.Path
					if m.Missing {
						folder += " (missing)"
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.Name, m.Title, m.Architecture, m.Quantization, size(m.Bytes), m.Context, folder)
				}
				t.Flush()
			})
		},
	}
}

func (r *runner) modelsRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Remove a model; a linked folder stays where it is", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.Models.Remove(cmd.Context(), args[0]); err != nil {
				return err
			}
			return r.print(map[string]string{"removed": args[0]}, func(io.Writer) {})
		},
	}
}

func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	if n < 1e3 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}
