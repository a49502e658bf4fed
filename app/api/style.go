package api

import (
	"net/http"
	"strings"

	"qwill/app/errs"
	"qwill/app/write"
	"qwill/app/write/rich"
)

// style carries the accepted changes over to the styled original. Without
// segments it only gives the document's plain text.
func (a *api) style(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Format   string          `json:"format"`
		Source   string          `json:"source"`
		Segments []write.Segment `json:"segments"`
		Accepted []int           `json:"accepted"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	d, err := rich.Parse(in.Format, []byte(in.Source))
	if err != nil {
		return err
	}
	out := struct {
		Text   string `json:"text"`
		Result string `json:"result,omitempty"`
	}{Text: d.Text()}
	if in.Segments != nil {
		var old strings.Builder
		for _, s := range in.Segments {
			old.WriteString(s.Old)
		}
		if old.String() != out.Text {
			return errs.InvalidField("segments", "The changes are not those of this document's text.")
		}
		accepted := map[int]bool{}
		for _, id := range in.Accepted {
			accepted[id] = true
		}
		b, err := d.Apply(in.Segments, func(id int) bool { return accepted[id] })
		if err != nil {
			return err
		}
		out.Result = string(b)
	}
	return reply(w, http.StatusOK, out)
}
