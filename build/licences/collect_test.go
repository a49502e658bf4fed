package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qwill/assets"
)

// The embedded licences are those of what is shipped now. After a dependency
// changed: go run ./build/licences.
func TestLicencesAreUpToDate(t *testing.T) {
	want, err := collect("../..")
	if err != nil {
		t.Fatal(err) // a licence that is not allowed, or a part without a text
	}
	got, err := assets.Licences()
	if err != nil {
		t.Fatal(err)
	}
	name := func(l assets.Licence) string { return fmt.Sprintf("%s %s (%s)", l.Name, l.Version, l.Licence) }
	for _, w := range want {
		i := slices.IndexFunc(got, func(g assets.Licence) bool { return name(g) == name(w) })
		switch {
		case i < 0:
			t.Errorf("%s is shipped without its licence: go run ./build/licences", name(w))
		case got[i].Text != w.Text && w.Name != "Go's standard library":
			t.Errorf("the licence of %s has changed: go run ./build/licences", name(w))
		}
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w assets.Licence) bool { return name(w) == name(g) }) {
			t.Errorf("%s is no longer shipped: go run ./build/licences", name(g))
		}
	}
	for _, part := range []string{"Qwill", "MLX", "SQLite", "svelte", "github.com/wailsapp/wails/v2", "github.com/spf13/cobra", "@lucide/svelte", "katex", "KaTeX's fonts"} {
		if !slices.ContainsFunc(got, func(l assets.Licence) bool { return l.Name == part }) {
			t.Errorf("%s is missing", part)
		}
	}
	if got[0].Name != "Qwill" || !strings.Contains(got[0].Text, "Apache License") {
		t.Errorf("first is %s", name(got[0]))
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted, free of charge, to any … The above copyright notice and this\npermission notice shall": "MIT",
		"GNU GENERAL PUBLIC LICENSE Version 3": "GPL", "Do what you like": "unknown",
		"Redistribution and use in source and binary forms … Neither the name": "BSD-3-Clause",
	} {
		if got := classify(text); got != want {
			t.Errorf("%q is %s", text, got)
		}
	}
	if slices.Contains(allowed, "GPL") || slices.Contains(allowed, "unknown") {
		t.Error("what is not understood is allowed")
	}
}
