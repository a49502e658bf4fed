// Package assets embeds what Qwill carries besides its code.
package assets

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Licence is one part that is shipped, with its licence's text.
type Licence struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"` // SPDX
	Text    string `json:"text"`
	URL     string `json:"url,omitempty"`
}

// LicenceFile is the name of the collected licences beside this file; the
// program build/licences writes it.
const LicenceFile = "licences.json"

//go:embed licences.json
var licences []byte

// file keeps each text once: many parts share one.
type file struct {
	Texts []string `json:"texts"`
	Parts []part   `json:"parts"`
}

type part struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Licence string `json:"licence"`
	URL     string `json:"url,omitempty"`
	Text    int    `json:"text"` // index
}

// Licences lists everything that is shipped, Qwill itself first.
func Licences() ([]Licence, error) {
	var f file
	if err := json.Unmarshal(licences, &f); err != nil {
		return nil, fmt.Errorf("read the licences: %w", err)
	}
	all := make([]Licence, len(f.Parts))
	for i, p := range f.Parts {
		if p.Text < 0 || p.Text >= len(f.Texts) {
			return nil, fmt.Errorf("read the licences: %s has no text", p.Name)
		}
		all[i] = Licence{p.Name, p.Version, p.Licence, f.Texts[p.Text], p.URL}
	}
	return all, nil
}

// EncodeLicences gives the form that is embedded.
func EncodeLicences(all []Licence) ([]byte, error) {
	var f file
	at := map[string]int{}
	for _, l := range all {
		i, known := at[l.Text]
		if !known {
			i = len(f.Texts)
			at[l.Text] = i
			f.Texts = append(f.Texts, l.Text)
		}
		f.Parts = append(f.Parts, part{l.Name, l.Version, l.Licence, l.URL, i})
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(f)
	return []byte(b.String()), err
}
