package command

import (
	"strings"

	"golang.org/x/text/language"
)

// SystemLanguage gives the language of the environment as a BCP 47 tag: the
// first of LC_ALL, LC_MESSAGES and LANG that is set, as POSIX orders them. It
// is "" for the locales C and POSIX and for what is no locale.
func SystemLanguage(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			value, _, _ = strings.Cut(value, ".") // the character set
			value, _, _ = strings.Cut(value, "@")
			return tag(value)
		}
	}
	return ""
}

// PageLanguage gives the language a browser likes best, from its
// Accept-Language header; "" when it names none.
func PageLanguage(header string) string {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return ""
	}
	return tag(tags[0].String())
}

// tag keeps what changes how a language is written: the script of Chinese,
// and the region only of those that have a name of their own for it, such as
// Brazilian Portuguese.
func tag(value string) string {
	t, err := language.Parse(value)
	if err != nil || t == language.Und {
		return ""
	}
	base, sure := t.Base()
	if sure == language.No || base.String() == "mul" { // mul: any ("*")
		return ""
	}
	if script, _ := t.Script(); base.String() == "zh" {
		return "zh-" + script.String()
	}
	if name, err := languageName(t.String()); err != nil || strings.Contains(name, "(") {
		return base.String()
	}
	return t.String()
}
