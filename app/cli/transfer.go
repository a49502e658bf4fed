package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/transfer"
)

func (r *runner) chatsExport() *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use: "export [--format markdown|json] [--out FILE] [ID...]", Short: "Write chats to a file, or to stdout",
		Long: `Writes the chats named, or all that are kept. Markdown is for reading: the branch
that is shown, one file for a chat, a ZIP for several. JSON is Qwill's own form,
with all branches, folders and presets, and can be imported again.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			ctx := cmd.Context()
			a, err := r.app(ctx, nil)
			if err != nil {
				return err
			}
			defer a.Close()
			f, err := a.Transfer.Export(ctx, format, ids)
			if err != nil {
				return err
			}
			if out == "" {
				if o, ok := r.Out.(*os.File); ok && terminal(o) && f.Media == "application/zip" {
					return usageError{fmt.Errorf("several chats make a ZIP file: say --out FILE.zip")}
				}
				w := bufio.NewWriter(r.Out)
				if err := f.Write(ctx, w); err != nil {
					return err
				}
				return w.Flush()
			}
			path, err := filepath.Abs(out)
			if err != nil {
				return err
			}
			if err := a.Transfer.ExportTo(ctx, path, format, ids); err != nil {
				return err
			}
			return r.print(map[string]string{"path": path}, func(w io.Writer) { fmt.Fprintln(w, path) })
		},
	}
	cmd.Flags().StringVar(&format, "format", transfer.Markdown, "markdown or json")
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write, readable by you only (default: stdout)")
	return cmd
}

func (r *runner) chatsImport() *cobra.Command {
	return &cobra.Command{
		Use: "import FILE...", Short: "Read chats from Qwill, LM Studio or OpenAI", Args: cobra.MinimumNArgs(1),
		Long: `Reads chats with their branches and times from Qwill's own JSON, from conversations
of LM Studio (*.conversation.json), and from OpenAI's data export: its
conversations.json, or the whole ZIP. What is here already is not read twice.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			total := transfer.Result{Imported: []chat.Summary{}, Skipped: []*errs.Error{}}
			for _, path := range files {
				result, err := importFile(cmd.Context(), a.Transfer, path)
				if err != nil {
					return err
				}
				total.Imported = append(total.Imported, result.Imported...)
				total.Skipped = append(total.Skipped, result.Skipped...)
			}
			return r.print(total, func(w io.Writer) {
				for _, c := range total.Imported {
					fmt.Fprintf(w, "%s\t%s\n", c.ID, printable(c.Title))
				}
				for _, e := range total.Skipped {
					fmt.Fprintf(r.Err, "qwill: skipped: %s\n", printable(e.Error()))
				}
				fmt.Fprintf(r.Err, "%d imported, %d skipped\n", len(total.Imported), len(total.Skipped))
			})
		},
	}
}

func importFile(ctx context.Context, s *transfer.Service, path string) (transfer.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return transfer.Result{}, errs.New(errs.NotFound, 404, "The file cannot be read: %v.", err).At(path).Try("check the path").Because(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return transfer.Result{}, err
	}
	if !info.Mode().IsRegular() {
		return transfer.Result{}, errs.New(errs.Invalid, 400, "This is not a file.").At(path).Try("name the file itself")
	}
	return s.Import(ctx, f, info.Size(), filepath.Base(path))
}
