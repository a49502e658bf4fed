package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"qwill/assets"
)

func (r *runner) licences() *cobra.Command {
	var text bool
	cmd := &cobra.Command{
		Use: "licences", Short: "List the licences of everything that is shipped", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := assets.Licences()
			if err != nil {
				return err
			}
			return r.print(all, func(w io.Writer) {
				if !text {
					t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					fmt.Fprintln(t, "PART\tVERSION\tLICENCE")
					for _, l := range all {
						fmt.Fprintf(t, "%s\t%s\t%s\n", l.Name, l.Version, l.Licence)
					}
					t.Flush()
					return
				}
				for _, l := range all {
					fmt.Fprintf(w, "%s\n%s (%s)\n\n%s\n\n", strings.Repeat("=", 78), strings.TrimSpace(l.Name+" "+l.Version), l.Licence, l.Text)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&text, "text", false, "write the whole texts")
	return cmd
}
