package guard

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	heading   = regexp.MustCompile(`(?m)^ {0,3}(#{1,6}) +\S`)
	bullet    = regexp.MustCompile(`(?m)^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S`)
	tableRow  = regexp.MustCompile(`(?m)^[ \t]*\|.*\|[ \t]*$`)
	blockq    = regexp.MustCompile(`(?m)^ {0,3}> ?`)
	bold      = regexp.MustCompile(`\*\*[^*\n]+\*\*|__[^_\n]+__`)
	mdLink    = regexp.MustCompile(`\[[^\]\n]+\]\([^)\n]+\)`)
	breaks    = regexp.MustCompile(`\n[ \t]*\n\s*`)
	checklist = regexp.MustCompile(`(?m)^[ \t]*[-*+] \[([ xX])\]`)
)

// layout compares what Markdown shows: headings, list items, table rows,
// quotations, emphasis, links and paragraphs.
func layout(was, is *text, o Options) []Fault {
	var all []Fault
	fault := func(what string, a, b int) {
		all = append(all, Fault{Kind: Layout, Old: fmt.Sprintf("%s: %d", what, a), New: fmt.Sprintf("%s: %d", what, b)})
	}
	count := func(re *regexp.Regexp, t *text) int { return len(re.FindAllStringIndex(outsideCode(t.raw), -1)) }
	for _, k := range []struct {
		what string
		re   *regexp.Regexp
	}{{"headings", heading}, {"table rows", tableRow}, {"links", mdLink}, {"check boxes", checklist}} {
		if a, b := count(k.re, was), count(k.re, is); a != b {
			fault(k.what, a, b)
		}
	}
	if a, b := count(bullet, was), count(bullet, is); a != b && (!o.Shorten || b == 0 || b > a) {
		fault("list items", a, b)
	}
	for _, k := range []struct {
		what string
		re   *regexp.Regexp
	}{{"bold", bold}, {"quoted lines", blockq}} {
		if a, b := count(k.re, was), count(k.re, is); (a == 0) != (b == 0) || a > 0 && b < (a+1)/2 && !o.Shorten {
			fault(k.what, a, b)
		}
	}
	a, b := paragraphs(was.raw), paragraphs(is.raw)
	if a >= 2 && b == 1 && !o.Shorten || a == 1 && b >= 3 || b > 2*a || a > 2*b && !o.Shorten {
		fault("paragraphs", a, b)
	}
	return all
}

func paragraphs(s string) int { return len(breaks.FindAllStringIndex(strings.TrimSpace(s), -1)) + 1 }

// outsideCode blanks fenced code, whose lines are no Markdown.
func outsideCode(s string) string {
	return literalPatterns[0].re.ReplaceAllStringFunc(s, func(m string) string { return strings.Repeat(" ", len(m)) })
}
