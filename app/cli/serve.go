package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"qwill/app/api/guard"
	"qwill/app/api/openai"
	"qwill/app/models"
)

// keyVariable holds the server's key; without it one is made and printed.
const keyVariable = "QWILL_API_KEY"

func (r *runner) serve() *cobra.Command {
	var model modelFlags
	var addr string
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the models to other programs on this machine, in OpenAI's protocol", Args: cobra.NoArgs,
		Long: "Serves /v1/models, /v1/chat/completions and /v1/completions on a loopback\naddress. The key is taken from " + keyVariable + ", or generated and printed once on stderr.",
		RunE: func(cmd *cobra.Command, _ []string) error { return r.openai(cmd.Context(), addr, model) },
	}
	model.add(cmd)
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "loopback address and port; port 0 takes any free one")
	return cmd
}

// offered puts the model named on the command line first: it is the default,
// and may be a folder that is not installed.
type offered struct {
	*models.Service
	first models.Model
}

func (o offered) List(ctx context.Context) ([]models.Model, error) {
	all, err := o.Service.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.Name == o.first.Name {
			return all, nil
		}
	}
	return append([]models.Model{o.first}, all...), nil
}

func (o offered) Find(ctx context.Context, name string) (models.Model, error) {
	if name == "" || name == o.first.Name {
		return o.first, nil
	}
	return o.Service.Find(ctx, name)
}

func (r *runner) openai(ctx context.Context, addr string, f modelFlags) error {
	l, err := guard.Listen(addr)
	if err != nil {
		return err
	}
	defer l.Close()
	a, err := r.logged(ctx, "server")
	if err != nil {
		return err
	}
	defer a.Close()
	mode, err := f.arithmetic(a.Settings.Get())
	if err != nil {
		return err
	}
	m, err := a.Models.Resolve(ctx, f.model)
	if err != nil {
		return err
	}
	bar := r.progress()
	_, err = a.Serve.Open(ctx, m.Path, mode, func(percent int) { bar.show("Loading %s, %d %%", m.Name, percent) })
	bar.clear()
	if err != nil {
		return err
	}
	a.Keep()
	key, own := os.Getenv(keyVariable), false
	if key == "" {
		key, own = rand.Text(), true
	}
	url := fmt.Sprintf("http://%s/v1", l.Addr())
	if err := r.print(map[string]string{"url": url, "model": m.Name}, func(io.Writer) {}); err != nil {
		return err
	}
	fmt.Fprintf(r.Err, "Serving %s on %s. Ctrl-C ends.\n", m.Name, url)
	if own {
		fmt.Fprintf(r.Err, "Key (set %s to choose one): %s\n", keyVariable, key)
	}
	h := openai.New(openai.Config{Key: key, Mode: mode, Engine: a.Serve, Models: offered{a.Models, m},
		Commands: a.ServedCommands(m, mode), Keep: a.KeepServed})
	return serveUntil(ctx, l, h)
}
