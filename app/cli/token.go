package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"qwill/app/errs"
	"qwill/app/fetch/huggingface"
	"qwill/app/keychain"
)

func (r *runner) modelsToken() *cobra.Command {
	var set, remove bool
	cmd := &cobra.Command{
		Use: "token", Short: "Keep a token for Hugging Face in the system's keychain", Args: cobra.NoArgs,
		Long: `Says where the token for Hugging Face comes from: HF_TOKEN in the environment,
else the system's keychain. Only gated and private models need one. It is sent
to https://huggingface.co alone, never to a mirror or to where a redirect leads.

--set reads it from standard input: qwill models token --set < file`,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case set && remove:
				return usageError{errors.New("--set and --remove exclude each other")}
			case set:
				line, err := bufio.NewReader(io.LimitReader(r.In, 4096)).ReadString('\n')
				if err != nil && !errors.Is(err, io.EOF) {
					return err
				}
				token := strings.TrimSpace(line)
				if token == "" || strings.ContainsAny(token, " \t\x00") {
					return errs.InvalidField("token", "This is no token.").Try("copy it from your settings at huggingface.co, under Access Tokens")
				}
				if err := keychain.Set(keychain.HubToken, token); err != nil {
					return err
				}
			case remove:
				if err := keychain.Remove(keychain.HubToken); err != nil && !errors.Is(err, keychain.ErrNone) {
					return err
				}
			}
			state := struct {
				Source string `json:"source"` // environment, keychain or none
			}{"none"}
			_, err := keychain.Get(keychain.HubToken)
			switch {
			case strings.TrimSpace(os.Getenv(huggingface.TokenVariable)) != "":
				state.Source = "environment"
			case err == nil:
				state.Source = "keychain"
			}
			return r.print(state, func(w io.Writer) {
				fmt.Fprintln(w, map[string]string{"none": "There is no token.", "keychain": "The token is in the keychain.", "environment": "The token is in HF_TOKEN."}[state.Source])
			})
		},
	}
	cmd.Flags().BoolVar(&set, "set", false, "read a token from standard input and keep it")
	cmd.Flags().BoolVar(&remove, "remove", false, "forget the token that is kept")
	return cmd
}
