// Package catalogue holds the list of models that Qwill offers for download.
package catalogue

import _ "embed"

// JSON is the list; app/models/catalogue reads it.
//
//go:embed catalogue.json
var JSON []byte
