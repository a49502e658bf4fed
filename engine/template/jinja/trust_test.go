package jinja

import (
	"strings"
	"testing"
	"time"
)

// TestTrustSurvivesEveryOperation: whatever a template does with a message,
// none of the message's characters comes out as trusted.
func TestTrustSurvivesEveryOperation(t *testing.T) {
	const letter = "ꙮ"
	text := " " + letter + " <|" + letter + letter + "|>\n" + letter + `"'&` + "\t" + letter + "x" + letter + " "
	expressions := []string{
		"c", "c ~ 'a' ~ c", "'<' + c + '>'", "c * 3", "c[1]", "c[1:-1]", "c[::-1]", "c[::2]", "c if c else 'x'", "c or 'x'", "'' or c", "[c]", "(c, 1)",
		"{'k': c}", "{c: 'v'}", "[[c]] | string", "c is string and c", "dict(k=c)", "namespace(k=c).k", "[c, c] | join(c)", "c.split()", "c.split('x')",
		"c.split('x', 1)[0]", "c.rsplit(none, 1)", "c.rsplit('x', 1)", "c.partition('x')", "c.rpartition('x')", "c.splitlines()", "c.splitlines(true)",
		"c.strip()", "c.lstrip('" + letter + " ')", "c.rstrip('x')", "c.upper()", "c.lower()", "c.title()", "c.capitalize()", "c.replace('x', c)",
		"c.replace('', '-')", "c.replace('<|', '[')", "'x-x'.replace('x', c)", "c.join(['a', 'b'])", "', '.join([c, c])", "c.removeprefix(' ')",
		"c.removesuffix(' ')", "{'k': c}.items()", "{'k': c}.values()", "{c: 1}.keys()", "{'k': c}.get('k')", "{}.get('k', c)", "c | e", "c | tojson",
		"c | tojson(ensure_ascii=true)", "{c: [c]} | tojson(indent=2)", "{c: c} | tojson(sort_keys=true)", "c | trim", "c | upper", "c | lower", "c | title",
		"c | capitalize", "c | string", "c | safe", "c | list", "c.strip() | first", "[c] | last", "c | reverse", "c | replace('x', 'y')", "c | indent", "c | indent(first=true)",
		"[c, c] | indent(c)", "c | default('x')", "missing | default(c)", "'' | default(c, true)", "[c] | map('upper') | list", "[{'k': c}] | map(attribute='k') | list",
		"[{}] | map(attribute='k', default=c) | list", "[c, ''] | select | list", "[c, 'a'] | sort", "[c, c] | unique | list", "[c] | max", "[c] | min",
		"{c: c} | dictsort", "{c: c} | items | list", "[{'k': c}] | groupby('k')", "[{'k': c}] | selectattr('k') | list", "[c, 1] | batch(3, c) | list",
		"[{'k': c}] | sort(attribute='k') | join('', attribute='k')", "[c, ''] | sum(start='')", "c | attr('strip') and c", "m(c)", "m(a=c)", "v(c, k=c)",
	}
	for _, e := range expressions {
		source := "{% macro m(a) %}<{{ a }}>{% endmacro %}{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}" +
			"{{ " + e + " }}{% set s %}[{{ " + e + " }}]{% endset %}{{ s | replace('[', '(') }}{% filter upper %}{{ " + e + " }}{% endfilter %}" +
			"{% for x in (" + e + ") %}{{ x }}|{% endfor %}{% with w = " + e + " %}{{ w }}{% endwith %}{% call m('a') %}{{ " + e + " }}{% endcall %}"
		if strings.Contains(e, " is ") || strings.Contains(e, "first") || strings.Contains(e, "last") {
			source = "{{ " + e + " }}"
		}
		source = strings.Replace(source, "{% call m('a') %}", "{% macro k() %}{{ caller() }}{% endmacro %}{% call k() %}", 1)
		parsed, err := Parse(source)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		out, err := parsed.Render(map[string]Value{"c": Untrusted(text)},
			Limits{Steps: 1e6, Bytes: 1 << 24, Output: 1 << 20, Time: time.Minute}, time.Now)
		if err != nil {
			t.Errorf("%s: %v", e, err)
			continue
		}
		seen := false
		for _, r := range out.Runs() {
			holds := strings.Contains(r.Text, letter) || strings.Contains(strings.ToLower(r.Text), `\ua66e`)
			seen = seen || holds
			if r.Trusted && holds {
				t.Errorf("%s: trusted %q", e, r.Text)
			}
		}
		if !seen && e != "c[1]" {
			t.Errorf("%s shows nothing of the message: %q", e, out)
		}
	}
}
