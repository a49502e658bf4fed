package models

import (
	"regexp"
	"strings"
)

var quantized = regexp.MustCompile(`(?i)^(\d)bit$`)

// TitleOf gives the words for a repository: "Qwen3 4B, 4 bit" for
// Qwen/Qwen3-4B-MLX-4bit.
func TitleOf(repo string) string {
	_, name, _ := strings.Cut(repo, "/")
	parts := strings.Split(name, "-")
	var words []string
	bits := ""
	for _, p := range parts {
		switch {
		case strings.EqualFold(p, "MLX"):
		case quantized.MatchString(p):
			bits = quantized.FindStringSubmatch(p)[1] + " bit"
		case p == "bf16":
			bits = "bf16"
		default:
			words = append(words, p)
		}
	}
	title := strings.Join(words, " ")
	title = strings.Replace(title, "30B A3B", "30B-A3B", 1)
	title = strings.Replace(title, "235B A22B", "235B-A22B", 1)
	if bits != "" {
		title += ", " + bits
	}
	return title
}
