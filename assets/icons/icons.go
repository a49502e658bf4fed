// Package icons holds Qwill's icons; build/icons draws them.
package icons

import _ "embed"

// App is the app's icon, 256 × 256, PNG.
//
//go:embed qwill.png
var App []byte

// Tray is the panel's icon without a ground, 44 × 44, PNG.
//
//go:embed tray.png
var Tray []byte
