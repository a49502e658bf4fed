package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"qwill/app/errs"
	"qwill/app/models"
	"qwill/app/models/catalogue"
	"qwill/app/models/pull"
	"qwill/app/wire"
)

func (r *runner) modelsCatalogue() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "catalogue [WORDS]", Short: "List the official Qwen3 models and what fits this machine", Aliases: []string{"catalog"},
		Long: "Lists the official Qwen3 models for MLX with what they need and whether this\nmachine has it, estimated for a context of 8,192 tokens. Nothing is fetched.",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := catalogue.List(catalogue.Memory())
			if err != nil {
				return err
			}
			shown := []catalogue.Entry{}
			for _, e := range list {
				if matches(e, args) && (all || len(args) > 0 || e.Runs) {
					shown = append(shown, e)
				}
			}
			return r.print(shown, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "REPOSITORY\tMODEL\tDOWNLOAD\tMEMORY\tFITS\t")
				for _, e := range shown {
					note := ""
					switch {
					case e.Recommended:
						note = "recommended"
					case !e.Runs:
						note = "not run yet by this engine"
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Repo, e.Title, size(e.Bytes), size(e.Memory), e.Fits, note)
				}
				t.Flush()
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that this engine does not run yet")
	return cmd
}

func matches(e catalogue.Entry, words []string) bool {
	text := strings.ToLower(e.Repo + " " + e.Title)
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

func (r *runner) modelsPull() *cobra.Command {
	var name, revision, source string
	var queue bool
	cmd := &cobra.Command{
		Use: "pull REPO", Short: "Download a model from Hugging Face or ModelScope, verified", Args: cobra.ExactArgs(1),
		Long: `Downloads a model in MLX form: REPO is owner/name or the address of its page.
Every byte is compared with the hub's own hashes before the model is listed.
Ctrl-C pauses; the same command goes on where it stopped.

--from chooses the hub; a download that was begun at the other goes on at this
one, with what is there where the SHA-256 is the same.

HF_ENDPOINT names a mirror, MODELSCOPE_ENDPOINT another address. HF_TOKEN is sent to huggingface.co alone. Proxies
are taken from HTTPS_PROXY and NO_PROXY.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			j, err := a.Pulls.AddFrom(cmd.Context(), source, args[0], revision, name)
			if err != nil {
				return err
			}
			if queue {
				return r.print(j, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\n", j.ID, j.Repo) })
			}
			return r.followJob(cmd.Context(), a, j)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the name to install it under (default: made of the repository's)")
	cmd.Flags().StringVar(&source, "from", "", "the hub: huggingface (default) or modelscope")
	cmd.Flags().StringVar(&revision, "revision", "", "branch, tag or commit (default: main)")
	cmd.Flags().BoolVar(&queue, "queue", false, "only put it into the queue, which the window works on")
	return cmd
}

// followJob works on a download until it has ended and shows its progress.
// Ctrl-C pauses it.
func (r *runner) followJob(ctx context.Context, a *wire.App, j pull.Job) error {
	sub := a.Events.Subscribe()
	defer sub.Close()
	shown := make(chan struct{})
	life, end := context.WithCancel(context.Background())
	go func() {
		defer close(shown)
		bar := r.progress()
		defer bar.clear()
		for {
			e, ok := sub.Next(life)
			if !ok {
				return
			}
			if now, is := e.Data.(pull.Job); is && now.ID == j.ID {
				bar.show("%s", jobLine(now, barWidth))
			}
		}
	}()
	err := a.Pulls.RunUntil(ctx, j.ID)
	end()
	<-shown
	if ctx.Err() != nil {
		out, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		if _, perr := a.Pulls.Pause(out, j.ID); perr != nil {
			return perr
		}
		fmt.Fprintf(r.Err, "Paused. Go on with: qwill models resume %s\n", j.ID)
		return errInterrupted
	}
	if err != nil {
		if errs.From(err).Code == errs.JobUnknown {
			return errs.New(errs.Cancelled, 409, "The download was cancelled.").At(j.Repo).Try("begin it again with: qwill models pull %s", j.Repo)
		}
		return err
	}
	done, err := a.Pulls.Job(context.WithoutCancel(ctx), j.ID)
	if err != nil {
		return err
	}
	if done.Error != nil {
		return done.Error
	}
	if done.State == pull.Paused {
		fmt.Fprintf(r.Err, "Paused. Go on with: qwill models resume %s\n", j.ID)
		return errInterrupted
	}
	m, err := a.Models.Find(context.WithoutCancel(ctx), done.Name)
	if err != nil {
		return err
	}
	return r.print(m, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\n", m.Name, m.Path) })
}

const barWidth = 24

// bar draws how much of total is done, width characters wide, and the share.
func bar(done, total int64, width int) string {
	share := 0.0
	if total > 0 {
		share = min(float64(done)/float64(total), 1)
	}
	full := int(share * float64(width))
	return fmt.Sprintf("[%s%s] %3.0f %% ", strings.Repeat("#", full), strings.Repeat(".", width-full), share*100)
}

// jobLine is a download in one line of at most 80 characters.
func jobLine(j pull.Job, width int) string {
	switch j.State {
	case pull.Queued:
		return j.Repo + ": waiting for its turn"
	case pull.Listing:
		return j.Repo + ": asking the hub"
	case pull.Publishing:
		return j.Repo + ": installing"
	}
	line := fmt.Sprintf("%s %s of %s", bar(j.Done, j.Bytes, width), size(j.Done), size(j.Bytes))
	switch {
	case j.State == pull.Verifying:
		line += "  verifying"
	case j.State == pull.Waiting && j.Wait != nil:
		line += fmt.Sprintf("  trying again in %d s", *j.Wait)
	case j.State == pull.Downloading && j.Rate > 0:
		line += "  " + size(int64(j.Rate)) + "/s"
		if j.ETA != nil {
			line += "  " + (time.Duration(*j.ETA) * time.Second).String() + " left"
		}
	}
	return line
}

func (r *runner) modelsJobs() *cobra.Command {
	return &cobra.Command{
		Use: "jobs", Short: "List the downloads", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.Pulls.Jobs(cmd.Context())
			if err != nil {
				return err
			}
			return r.print(all, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "ID\tREPOSITORY\tNAME\tSTATE\tDONE\tSIZE\t")
				for _, j := range all {
					why := ""
					if j.Error != nil {
						why = j.Error.Message
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", j.ID, j.Repo, j.Name, j.State, size(j.Done), size(j.Bytes), why)
				}
				t.Flush()
			})
		},
	}
}

// jobCommand is a subcommand on one download.
func (r *runner) jobCommand(use, short string, do func(ctx context.Context, a *wire.App, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " JOB", Short: short, Args: cobra.ExactArgs(1),
		Long: short + ". JOB is its id, its repository or the name it will have.",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			return do(cmd.Context(), a, args[0])
		},
	}
}

func (r *runner) modelsPause() *cobra.Command {
	return r.jobCommand("pause", "Pause a download; what was fetched stays", func(ctx context.Context, a *wire.App, id string) error {
		j, err := a.Pulls.Pause(ctx, id)
		if err != nil {
			return err
		}
		return r.print(j, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\n", j.ID, j.State) })
	})
}

func (r *runner) modelsResume() *cobra.Command {
	return r.jobCommand("resume", "Go on with a download", func(ctx context.Context, a *wire.App, id string) error {
		j, err := a.Pulls.Resume(ctx, id)
		if err != nil {
			return err
		}
		return r.followJob(ctx, a, j)
	})
}

func (r *runner) modelsCancel() *cobra.Command {
	return r.jobCommand("cancel", "End a download and delete what was fetched", func(ctx context.Context, a *wire.App, id string) error {
		if err := a.Pulls.Cancel(ctx, id); err != nil {
			return err
		}
		return r.print(map[string]string{"cancelled": id}, func(io.Writer) {})
	})
}

func (r *runner) modelsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show an installed model and its files", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			m, err := a.Models.Find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			files, err := a.Store.ModelFiles(cmd.Context(), m.Name)
			if err != nil {
				return err
			}
			type file struct {
				Path     string `json:"path"`
				Bytes    int64  `json:"bytes"`
				SHA256   string `json:"sha256"`
				GitSHA1  string `json:"git_sha1,omitempty"`
				Evidence string `json:"evidence,omitempty"`
			}
			hashed := make([]file, len(files))
			for i, f := range files {
				hashed[i] = file(f)
			}
			return r.print(map[string]any{"model": m, "files": hashed}, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, line := range [][2]string{{"Name", m.Name}, {"Model", m.Title}, {"Kind", m.Architecture}, {"Weights", m.Quantization},
					{"Size", size(m.Bytes)}, {"Context", fmt.Sprint(m.Context)}, {"Source", sourceName(m.Source)}, {"Repository", m.Repo}, {"Revision", m.Revision}, {"Licence", m.Licence}, {"Placed", placementName(m.Placement)}, {"Folder", m.Path}} {
					if line[1] != "" {
						fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
					}
				}
				for _, f := range files {
					fmt.Fprintf(t, "%s\t%s\tsha256:%s\n", f.Path, size(f.Bytes), f.SHA256)
				}
				t.Flush()
			})
		},
	}
}

func sourceName(source string) string {
	return map[string]string{pull.HuggingFace: "Hugging Face", pull.ModelScope: "ModelScope"}[source]
}

// placementName says how an imported model's files are here.
func placementName(p string) string {
	return map[string]string{models.Pointed: "linked: it goes with its folder", models.Cloned: "cloned: shares its disk space with the original and outlives it",
		models.Shared: "second names of the original's files: outlives its deletion", models.Copied: "copied"}[p]
}

func (r *runner) modelsVerify() *cobra.Command {
	return &cobra.Command{
		Use: "verify NAME", Short: "Hash an installed model's files again and compare", Args: cobra.ExactArgs(1),
		Long: "Hashes every file of a model and compares it with what was verified at its\ndownload. Of a model that was never hashed, the hashes are kept for next time.\nExit code 1 when a file was changed or is missing.",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			bar := r.progress()
			v, err := a.Models.Verify(cmd.Context(), args[0], func(done, total int64) {
				bar.show("Verifying %s of %s", size(done), size(total))
			})
			bar.clear()
			if err != nil {
				return err
			}
			if err := r.print(v, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, f := range v.Files {
					fmt.Fprintf(t, "%s\t%s\t%s\n", f.Path, size(f.Bytes), f.State)
				}
				t.Flush()
			}); err != nil {
				return err
			}
			if !v.OK {
				return errs.New(errs.ModelDamaged, 422, "Files of the model %s are not what they were.", v.Model).
					Try("remove it and download it again")
			}
			return nil
		},
	}
}

func (r *runner) connections() *cobra.Command {
	return &cobra.Command{
		Use: "connections", Short: "List every connection that Qwill made off this machine", Args: cobra.NoArgs,
		Long: "Lists every connection off this machine, newest first, those that were refused\ntoo. Addresses are kept without their queries, which may hold signatures.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := r.app(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.Store.Connections(cmd.Context())
			if err != nil {
				return err
			}
			return r.print(all, func(w io.Writer) {
				if len(all) == 0 {
					fmt.Fprintln(w, "No connection was made.")
					return
				}
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "TIME\tPURPOSE\tRESULT\tSIZE\tADDRESS")
				for _, c := range all {
					result := fmt.Sprint(c.Status)
					switch {
					case c.Refused != "":
						result = "refused: " + c.Refused
					case c.Status == 0:
						result = "no answer"
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s %s\n", c.Time.Local().Format(time.DateTime), c.Purpose, result, size(c.Bytes), c.Method, c.URL)
				}
				t.Flush()
			})
		},
	}
}
