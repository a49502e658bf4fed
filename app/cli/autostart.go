package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"qwill/app/errs"
)

// autostart starts Qwill at login, without a window: by the XDG autostart
// folder, which every freedesktop session reads.
func (r *runner) autostart() *cobra.Command {
	return &cobra.Command{
		Use: "autostart on|off", Short: "Start at login, in the background, or not",
		Long: "Without an argument it says whether Qwill starts at login.", Args: cobra.MaximumNArgs(1), ValidArgs: []string{"on", "off"},
		RunE: func(_ *cobra.Command, args []string) error {
			if runtime.GOOS != "linux" {
				return errs.New(errs.Invalid, 400, "This system starts apps at login by its own settings.").
					Try("add Qwill to the login items in System Settings")
			}
			file := filepath.Join(xdg.ConfigHome, "autostart", "org.qwill.Qwill.desktop")
			if len(args) > 0 {
				if err := setAutostart(file, args[0]); err != nil {
					return err
				}
			}
			_, err := os.Stat(file)
			on := err == nil
			return r.print(map[string]bool{"autostart": on}, func(w io.Writer) {
				fmt.Fprintln(w, map[bool]string{true: "on", false: "off"}[on])
			})
		},
	}
}

func setAutostart(file, value string) error {
	switch value {
	case "off":
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("stop starting at login: %w", err)
		}
		return nil
	case "on":
	default:
		return usageError{fmt.Errorf("autostart is on or off, not %q", value)}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start at login: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("start at login: %w", err)
	}
	text := "[Desktop Entry]\nType=Application\nName=Qwill\nIcon=org.qwill.Qwill\nExec=" + quoteExec(self) + " --background\nX-GNOME-Autostart-enabled=true\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("start at login: %w", err)
	}
	return nil
}

// quoteExec quotes an argument of a .desktop file's Exec (Desktop Entry
// Specification, section 7), where backslashes are escaped a second time.
func quoteExec(arg string) string {
	arg = strings.NewReplacer(`\`, `\\\\`, `"`, `\\"`, "`", "\\\\`", `$`, `\\$`, `%`, `%%`).Replace(arg)
	return `"` + arg + `"`
}
