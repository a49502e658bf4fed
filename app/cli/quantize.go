package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (r *runner) quantize() *cobra.Command {
	var name string
	var bits, group int
	cmd := &cobra.Command{
		Use: "quantize MODEL --name NAME", Short: "Make a smaller model of one in bf16, f16 or f32",
		Long: "Makes a quantized model of MODEL, an installed name or a folder in MLX form with\nweights in bf16, f16 or f32, and installs it. The weights are those that\nmlx-lm's convert makes, bit for bit. They are read and written in parts: the\nmodel may be larger than memory.",
		Args: cobra.ExactArgs(1), Example: "  qwill quantize ~/models/Qwen3-4B --name qwen3-4b-8bit --bits 8",
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return usageError{fmt.Errorf("give the new model a name: --name NAME")}
			}
			ctx := cmd.Context()
			a, err := r.app(ctx, nil)
			if err != nil {
				return err
			}
			defer a.Close()
			from, err := a.Models.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			bar := r.progress()
			m, err := a.Models.Quantize(ctx, from, name, bits, group, func(percent int) { bar.show("Quantizing %s, %d %%", from.Name, percent) })
			bar.clear()
			if err != nil {
				return err
			}
			return r.print(m, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Name, m.Quantization, size(m.Bytes), m.Path) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "the name to install it under")
	f.IntVar(&bits, "bits", 4, "of a weight: 4 or 8")
	f.IntVar(&group, "group-size", 64, "weights that share a scale: 32, 64 or 128")
	return cmd
}
