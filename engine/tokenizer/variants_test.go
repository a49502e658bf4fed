package tokenizer

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

type variantsFile struct {
	Texts    []string `json:"texts"`
	Variants []struct {
		Name      string          `json:"name"`
		Tokenizer json.RawMessage `json:"tokenizer"`
		IDs       [][]int         `json:"ids"`
	} `json:"variants"`
}

func variants(t testing.TB) variantsFile {
	t.Helper()
	f, err := os.Open("testdata/variants.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var v variantsFile
	if err := json.NewDecoder(z).Decode(&v); err != nil {
		t.Fatal(err)
	}
	if len(v.Variants) < 8 || len(v.Texts) < 800 {
		t.Fatalf("%d tokenizers, %d texts", len(v.Variants), len(v.Texts))
	}
	return v
}

// variant gives one of the small tokenizers as JSON.
func variant(t testing.TB, name string) []byte {
	t.Helper()
	for _, v := range variants(t).Variants {
		if v.Name == name {
			return v.Tokenizer
		}
	}
	t.Fatalf("no variant %q", name)
	return nil
}

func TestVariantsEqualReference(t *testing.T) {
	v := variants(t)
	for _, c := range v.Variants {
		t.Run(c.Name, func(t *testing.T) {
			tok, err := Parse(c.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for i, text := range v.Texts {
				if got := tok.Encode(text, true); !slices.Equal(got, c.IDs[i]) {
					if bad++; bad <= 5 {
						t.Errorf("%q:\n got %v\nwant %v", text, got, c.IDs[i])
					}
				}
			}
			if bad > 0 {
				t.Errorf("%d of %d differ", bad, len(v.Texts))
			}
		})
	}
}
