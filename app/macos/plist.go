package macos

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"qwill/app/shell"
)

// Values of Info.plist. Folder, executable, bundle name and NSPortName are the
// same word: macOS finds the provider by them.
const (
	bundleName = "Qwill"
	bundleID   = "org.qwill.Qwill"
	// serviceTimeout is in milliseconds, a string as Apple prescribes, and
	// longer than shell.Deadline, so that our own message arrives first.
	serviceTimeout = "120000"
)

// Plist gives the app's Info.plist. Its services are the commands: each once
// to replace the selected text, and one to open it in the quick prompt.
func Plist(commands []shell.Command, version string) []byte {
	services := array{}
	for _, c := range commands {
		services = append(services, service(c.Title+" with Qwill", ReplaceSelector, c.ID, true))
	}
	services = append(services, service("Open in Qwill", OpenSelector, "", false))
	root := dict{
		{"CFBundleDevelopmentRegion", "en"},
		{"CFBundleExecutable", bundleName},
		{"CFBundleIconFile", "icon"},
		{"CFBundleIdentifier", bundleID},
		{"CFBundleInfoDictionaryVersion", "6.0"},
		{"CFBundleLocalizations", array{"en", "zh-Hans"}},
		{"CFBundleName", bundleName},
		{"CFBundlePackageType", "APPL"},
		{"CFBundleShortVersionString", version},
		{"CFBundleVersion", version},
		{"LSApplicationCategoryType", "public.app-category.productivity"},
		{"LSMinimumSystemVersion", "14.0"},
		{"LSUIElement", true}, // an accessory: a service call does not bring it to the front
		{"NSHighResolutionCapable", true},
		{"NSServices", services},
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString(`<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n<plist version=\"1.0\">\n")
	write(&b, root, 0)
	b.WriteString("</plist>\n")
	return b.Bytes()
}

func service(title, selector, userData string, returns bool) dict {
	text := array{"public.utf8-plain-text", "NSStringPboardType"}
	d := dict{
		{"NSMenuItem", dict{{"default", title}}},
		{"NSMessage", message(selector)},
		{"NSPortName", bundleName},
		{"NSRequiredContext", dict{}}, // without this key macOS lists the service nowhere
		{"NSSendTypes", text},
	}
	if returns { // the caller waits and replaces its selection
		d = append(d, pair{"NSReturnTypes", text}, pair{"NSTimeout", serviceTimeout})
	}
	if userData != "" {
		d = append(d, pair{"NSUserData", userData})
	}
	return d
}

type (
	pair struct {
		key   string
		value any // string, bool, dict or array
	}
	dict  []pair
	array []any
)

func write(b *bytes.Buffer, v any, depth int) {
	indent := bytes.Repeat([]byte("\t"), depth)
	line := func(format string, args ...any) { fmt.Fprintf(b, "%s"+format+"\n", append([]any{indent}, args...)...) }
	switch v := v.(type) {
	case string:
		var text bytes.Buffer
		xml.EscapeText(&text, []byte(v)) // a bytes.Buffer never fails
		line("<string>%s</string>", text.String())
	case bool:
		line("<%t/>", v)
	case dict:
		if len(v) == 0 {
			line("<dict/>")
			return
		}
		line("<dict>")
		for _, p := range v {
			line("\t<key>%s</key>", p.key)
			write(b, p.value, depth+1)
		}
		line("</dict>")
	case array:
		line("<array>")
		for _, item := range v {
			write(b, item, depth+1)
		}
		line("</array>")
	default:
		panic(fmt.Sprintf("plist: %T", v)) // a mistake in this file
	}
}
