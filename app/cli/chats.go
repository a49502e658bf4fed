package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/wire"
)

func (r *runner) chats() *cobra.Command {
	cmd := group(&cobra.Command{Use: "chats", Short: "List, search, show, erase, export and import chats"})
	cmd.AddCommand(r.chatsList(), r.chatsSearch(), r.chatsShow(), r.chatsRemove(), r.chatsExport(), r.chatsImport())
	return cmd
}

// printable takes out what would command a terminal: a text may come from
// anywhere.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// withChats runs a job on the chats.
func (r *runner) withChats(ctx context.Context, job func(a *wire.App) error) error {
	a, err := r.app(ctx, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	return job(a)
}

func (r *runner) chatsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the chats, last changed first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withChats(cmd.Context(), func(a *wire.App) error {
				all, err := a.Chats.List(cmd.Context())
				if err != nil {
					return err
				}
				return r.print(all, func(w io.Writer) {
					t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					fmt.Fprintln(t, "ID\tCHANGED\tMODEL\tTITLE")
					for _, c := range all {
						fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.ID, local(c.Updated), c.Model, printable(c.Title))
					}
					t.Flush()
				})
			})
		},
	}
}

func local(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func (r *runner) chatsSearch() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "search WORDS…", Short: "Find words in the titles and messages of all chats", Args: cobra.MinimumNArgs(1),
		Long: "Finds the chats and messages that hold all the words; the last one may be the start\nof a word, words between quotation marks stand side by side.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 || limit > chat.SearchLimit {
				return usageError{fmt.Errorf("--limit is from 1 to %d", chat.SearchLimit)}
			}
			return r.withChats(cmd.Context(), func(a *wire.App) error {
				hits, err := a.Chats.Search(cmd.Context(), strings.Join(args, " "), limit)
				if err != nil {
					return err
				}
				return r.print(hits, func(w io.Writer) {
					for _, h := range hits {
						fmt.Fprintf(w, "%s\t%s\n", h.Chat.ID, printable(h.Chat.Title))
						if h.Message != "" {
							fmt.Fprintf(w, "    %s: %s\n", h.Role, r.excerpt(h))
						}
					}
				})
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "largest number of hits")
	return cmd
}

// excerpt marks the hits in bold where a person reads it.
func (r *runner) excerpt(h chat.Hit) string {
	on, off := "", ""
	if f, ok := r.Out.(*os.File); ok && terminal(f) {
		on, off = "\x1b[1m", "\x1b[0m"
	}
	var b strings.Builder
	for _, p := range h.Parts {
		text := printable(p.Text)
		if p.Hit {
			text = on + text + off
		}
		b.WriteString(text)
	}
	return b.String()
}

func (r *runner) chatsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Write a chat's messages", Args: cobra.ExactArgs(1),
		Long: "Writes the messages of the branch that is shown in the window. ID may be shortened.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withChats(cmd.Context(), func(a *wire.App) error {
				id, err := chatID(cmd.Context(), a, args[0])
				if err != nil {
					return err
				}
				c, err := a.Chats.Get(cmd.Context(), id)
				if err != nil {
					return err
				}
				return r.print(c, func(w io.Writer) {
					fmt.Fprintf(w, "# %s\n", printable(c.Title))
					for _, m := range c.Messages {
						fmt.Fprintf(w, "\n## %s, %s\n\n%s\n", m.Role, local(m.Created), printable(m.Content))
						if m.Status != chat.Done {
							fmt.Fprintf(w, "\n(%s)\n", m.Status)
						}
					}
				})
			})
		},
	}
}

func (r *runner) chatsRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm ID…", Short: "Erase chats for good", Args: cobra.MinimumNArgs(1),
		Long: "Erases chats for good, without the ten minutes in which the window can restore them.\nIDs may be shortened.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withChats(cmd.Context(), func(a *wire.App) error {
				ids := make([]string, len(args))
				for i, arg := range args {
					var err error
					if ids[i], err = chatID(cmd.Context(), a, arg); err != nil {
						return err
					}
				}
				if err := a.Chats.Erase(cmd.Context(), ids...); err != nil {
					return err
				}
				return r.print(map[string][]string{"removed": ids}, func(io.Writer) {})
			})
		},
	}
}

// chatID finds the only chat whose id begins with a text.
func chatID(ctx context.Context, a *wire.App, start string) (string, error) {
	all, err := a.Chats.List(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, c := range all {
		if c.ID == start {
			return start, nil
		}
		if start != "" && strings.HasPrefix(c.ID, start) {
			found = append(found, c.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", errs.New(errs.NotFound, 404, "There is no such chat.").At(start).Try("see: qwill chats list")
	}
	return "", usageError{fmt.Errorf("%d chats begin with %q: give more of the id", len(found), start)}
}
