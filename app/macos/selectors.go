package macos

import "strings"

// The selectors of the Services provider. Which command runs is told by each
// menu entry's NSUserData, so a new command needs no new method.
const (
	// ReplaceSelector runs a command and replaces the selected text.
	ReplaceSelector = "replaceText:userData:error:"
	// OpenSelector opens the quick prompt with the selected text.
	OpenSelector = "openText:userData:error:"
)

// Selectors are all selectors that the provider answers.
var Selectors = []string{ReplaceSelector, OpenSelector}

// GoMethod is the name of the Go method that darwinkit v0.5.0 calls for a
// selector: its parts joined, each with a capital. It panics at run time when
// there is none, hence the test that holds the two together.
func GoMethod(selector string) string {
	var name strings.Builder
	for part := range strings.SplitSeq(selector, ":") {
		if part != "" {
			name.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return name.String()
}

// message is a selector as NSMessage in Info.plist names it: its first part.
func message(selector string) string {
	first, _, _ := strings.Cut(selector, ":")
	return first
}
