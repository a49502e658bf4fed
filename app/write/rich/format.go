package rich

import (
	"strings"

	"qwill/app/errs"
)

// Formats are the names of what can be read.
var Formats = []string{"html", "rtf"}

// Parse reads a document of a format. Errors are *errs.Error.
func Parse(format string, b []byte) (Document, error) {
	var d Document
	var err error
	switch format {
	case "html":
		d, err = ParseHTML(b)
	case "rtf":
		d, err = ParseRTF(b)
	default:
		return nil, errs.InvalidField("format", "%q is not one of %s.", format, strings.Join(Formats, ", "))
	}
	if err != nil {
		return nil, errs.New(errs.Invalid, 400, "The document cannot be read: %v.", err).At("source").Because(err).Try("copy it again, or use its plain text")
	}
	return d, nil
}
