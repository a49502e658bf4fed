package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/filelock"
	"qwill/app/paths"
	"qwill/app/wire"
)

func (r *runner) erase() *cobra.Command {
	var yes, models, all bool
	cmd := &cobra.Command{
		Use: "erase --yes [--models] [--all]", Short: "Erase all chats, drafts, history, logs and caches", Args: cobra.NoArgs,
		Long: `Erases for good: chats with all branches, drafts, folders, the history of other
doors, the search index, the list of connections, logs, crash reports, caches,
the web view's data and databases that were set aside. The database is written
anew, so that no page of the old one is left in it.

Settings stay, with presets and your own commands, and so do models; --models
erases the models too, --all everything.
While Qwill is open, use its settings instead: Privacy, Erase everything.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return usageError{errors.New("nothing was erased: say --yes to erase all chats and what belongs to them")}
			}
			p, err := paths.Resolve()
			if err != nil {
				return err
			}
			if err := p.Ensure(); err != nil {
				return err
			}
			lock, err := filelock.Try(p.Instance())
			if errors.Is(err, filelock.ErrHeld) {
				return errs.New(errs.Running, 409, "Qwill is open: nothing was erased.").At(p.Data).
					Try("use its settings: Privacy, Erase everything; or quit it and say this again")
			}
			if err != nil {
				return err
			}
			defer lock.Release()
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			n, err := a.Erase(cmd.Context(), wire.EraseOptions{Models: models || all, Settings: all})
			if err != nil {
				return err
			}
			return r.print(map[string]int64{"bytes": n}, func(w io.Writer) { fmt.Fprintf(w, "Erased, %s freed.\n", diag.Size(n)) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "erase without another question")
	cmd.Flags().BoolVar(&models, "models", false, "erase the models too")
	cmd.Flags().BoolVar(&all, "all", false, "erase the models and the settings too")
	return cmd
}
