package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"qwill/app/errs"
	"qwill/app/models"
)

func (r *runner) modelsFound() *cobra.Command {
	return &cobra.Command{
		Use: "found", Short: "List the models in the cache of Hugging Face on this machine", Args: cobra.NoArgs,
		Long: "Lists what other programs left in the cache of Hugging Face ($HF_HUB_CACHE,\n$HF_HOME/hub or ~/.cache/huggingface/hub). Nothing is written there. Take one in\nwith: qwill models import --from-cache OWNER/NAME",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.Models.FoundModels(cmd.Context())
			if err != nil {
				return err
			}
			return r.print(all, func(w io.Writer) {
				if len(all) == 0 {
					root, _ := models.CacheFolder()
					fmt.Fprintf(w, "There are no models in %s.\n", root)
					return
				}
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "REPOSITORY\tKIND\tSIZE\tSTATE\tPATH")
				for _, f := range all {
					state := "can be imported"
					switch {
					case f.Problem != nil:
						state = f.Problem.Message
					case f.Installed != "":
						state = "installed as " + f.Installed
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Repo, f.Architecture, size(f.Bytes), state, f.Path)
				}
				t.Flush()
			})
		},
	}
}

func (r *runner) modelsImport() *cobra.Command {
	var o models.ImportOptions
	var cached string
	cmd := &cobra.Command{
		Use: "import PATH | --from-cache OWNER/NAME", Short: "Install a GGUF file, a folder in MLX form, an exported or a cached model", Args: cobra.MaximumNArgs(1),
		Long: `Installs a model from this machine. Every byte is hashed first.

  a folder in MLX form       stays where it is, unless --how says otherwise
  a GGUF file                is converted into Qwill's own models folder
                             (Q4_1, Q8_0, F16, F32)
  an exported folder, or     is copied and compared with its list of hashes;
  a disk that holds some     see: qwill models export
  --from-cache OWNER/NAME    a model in the cache of Hugging Face; its files are
                             compared with the hashes that name them there

--how clone   our own files that share the disk's blocks with the originals
              (Btrfs, XFS, APFS), elsewhere second names of the same files. Both
              stay when the original is deleted. The default for the cache.
--how copy    our own files, which take space of their own
--how link    nothing but an entry: the model is missing when the folder goes.
              The default for folders, and for a cache on another disk.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (cached == "") {
				return usageError{errors.New("give a path, or --from-cache OWNER/NAME")}
			}
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			var paths []string
			if cached != "" {
				f, err := a.Models.InCache(cmd.Context(), cached)
				if err != nil {
					return err
				}
				if f.Problem != nil {
					return f.Problem
				}
				paths = []string{f.Path}
			} else if _, err := os.Stat(args[0] + "/config.json"); err != nil {
				if paths = models.Exports(args[0]); len(paths) > 1 && o.Name != "" {
					return usageError{errors.New("--name names one model, and the folder holds several")}
				}
			}
			if len(paths) == 0 {
				paths = args
			}
			var all []models.Model
			for _, p := range paths {
				one, bar := o, r.progress()
				one.Path = p
				one.Progress = func(done, total int64) { bar.show("%s", share("Importing", done, total)) }
				m, err := a.Models.Import(cmd.Context(), one)
				bar.clear()
				if err != nil {
					return err
				}
				all = append(all, m)
			}
			var v any = all
			if len(all) == 1 {
				v = all[0]
			}
			return r.print(v, func(w io.Writer) {
				for _, m := range all {
					fmt.Fprintf(w, "%s\t%s\n", m.Name, m.Path)
				}
			})
		},
	}
	cmd.Flags().StringVar(&o.Name, "name", "", "the name to install it under (default: made of the path or the repository)")
	cmd.Flags().StringVar(&o.How, "how", "", "link, clone or copy (default: the one that needs no space)")
	cmd.Flags().StringVar(&cached, "from-cache", "", "the repository in the cache of Hugging Face")
	return cmd
}

func (r *runner) modelsExport() *cobra.Command {
	return &cobra.Command{
		Use: "export NAME FOLDER", Short: "Copy a model to a folder, such as a USB disk, for a machine without a network", Args: cobra.ExactArgs(2),
		Long: `Copies an installed model to FOLDER/NAME as plain files, with a list of their
hashes, and reads all of it back. Take it in elsewhere with:

  qwill models import FOLDER

The disk may have FAT or exFAT (FAT32 takes no file over 4 GiB). The folder has its
name only when it is whole.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			bar := r.progress()
			done, err := a.Models.Export(cmd.Context(), args[0], args[1], func(done, total int64) {
				bar.show("%s", share("Exporting", done, total))
			})
			bar.clear()
			if err != nil {
				return errs.From(err)
			}
			return r.print(done, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\n", done.Model, done.Path) })
		},
	}
}

// share is a line of progress with a bar.
func share(what string, done, total int64) string {
	return fmt.Sprintf("%s %s %s of %s", what, bar(done, total, barWidth), size(done), size(total))
}
