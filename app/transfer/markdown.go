package transfer

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"qwill/app/chat"
)

// WriteMarkdown writes the branch that is shown, to be read by people. The
// texts stay as they are: they are Markdown already.
func WriteMarkdown(w io.Writer, c Chat) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", orUntitled(c.Title))
	fmt.Fprintf(&b, "*Qwill, %s", c.Created.UTC().Format("2006-01-02 15:04 UTC"))
	if c.Model != "" {
		fmt.Fprintf(&b, ", %s", c.Model)
	}
	b.WriteString("*\n")
	if c.SystemPrompt != "" {
		b.WriteString("\n")
		for line := range strings.Lines(strings.TrimRight(c.SystemPrompt, "\n")) {
			b.WriteString("> " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	for _, m := range c.Branch() {
		if m.Role == chat.User {
			b.WriteString("\n## You\n\n")
		} else {
			b.WriteString("\n## Qwill\n\n")
		}
		if m.Reasoning != "" {
			// A tag of HTML, since Markdown cannot fold.
			fmt.Fprintf(&b, "<details><summary>Thinking</summary>\n\n%s\n\n</details>\n\n", strings.TrimSpace(m.Reasoning))
		}
		if text := strings.TrimRight(m.Content, "\n"); text != "" {
			b.WriteString(text + "\n")
		}
		if m.Status != chat.Done {
			fmt.Fprintf(&b, "\n*(%s)*\n", m.Status)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteZip writes each chat that next gives as a Markdown file of its own.
func WriteZip(w io.Writer, next func() (c Chat, ok bool, err error)) error {
	z := zip.NewWriter(w)
	taken := map[string]int{}
	for {
		c, ok, err := next()
		if err != nil {
			return err
		}
		if !ok {
			return z.Close()
		}
		name := FileName(c.Title)
		taken[strings.ToLower(name)]++
		if n := taken[strings.ToLower(name)]; n > 1 {
			name = fmt.Sprintf("%s (%d)", name, n)
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: name + ".md", Method: zip.Deflate, Modified: zipTime(c.Updated)})
		if err != nil {
			return fmt.Errorf("write the ZIP file: %w", err)
		}
		if err := WriteMarkdown(f, c); err != nil {
			return err
		}
	}
}

// zipTime keeps to the years that ZIP knows.
func zipTime(t time.Time) time.Time {
	if t.Year() < 1980 || t.Year() > 2107 {
		return time.Time{}
	}
	return t
}

// FileName makes a title safe as a file's name on every system.
func FileName(title string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r): // marks that turn the direction of text hide an ending
			return -1
		case strings.ContainsRune(`/\:*?"<>|`, r):
			return '-'
		}
		return r
	}, title)
	name = strings.Trim(strings.Join(strings.Fields(name), " "), " .-")
	if r := []rune(name); len(r) > 80 {
		name = strings.TrimSpace(string(r[:80]))
	}
	return orUntitled(name)
}

func orUntitled(s string) string {
	if s == "" {
		return "Chat"
	}
	return s
}
