// Command qwill is the app: window, command line and local server. It talks to
// models through its child process qwill-engine and never links libmlx itself.
package main

import (
	"embed"
	"io/fs"
	"os"

	"qwill/app/cli"
	"qwill/app/desktop"
)

// dist holds the built page; before the first build only a placeholder.
//
//go:embed all:frontend/dist
var dist embed.FS

func main() {
	static, err := fs.Sub(dist, "frontend/dist")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	config := cli.Config{Static: static}
	if desktop.Available {
		config.Window = window{desktop.New()}
	}
	os.Exit(cli.Main(config, os.Args[1:]))
}
