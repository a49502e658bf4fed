package safetensors

import (
	"encoding/json"
	"fmt"
	"strings"

	"qwill/engine/strictjson"
)

// IndexName is the file that joins the shards of a checkpoint.
const IndexName = "model.safetensors.index.json"

// Index says which shard holds each tensor.
type Index struct {
	Shards map[string]string // tensor -> file name in the same folder
	Files  []string          // each shard once, in order of first mention
}

// ParseIndex reads a model.safetensors.index.json. A file name that could lead
// out of the folder is refused.
func ParseIndex(data []byte) (*Index, error) {
	if err := strictjson.Check(data, MaxHeader, 8); err != nil {
		return nil, err
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, err
	}
	x := &Index{Shards: map[string]string{}}
	found := false
	for _, m := range members {
		if m.Key != "weight_map" {
			continue // metadata.total_size is not to be relied on
		}
		found = true
		shards, err := strictjson.Object(m.Value)
		if err != nil {
			return nil, fmt.Errorf("weight_map: %w", err)
		}
		seen := map[string]bool{}
		for _, s := range shards {
			var file string
			if strictjson.Kind(s.Value) != "a string" || json.Unmarshal(s.Value, &file) != nil {
				return nil, fmt.Errorf("weight_map: %q is %s, not a file name", s.Key, strictjson.Kind(s.Value))
			}
			if err := checkName(file); err != nil {
				return nil, fmt.Errorf("weight_map: %q: %w", s.Key, err)
			}
			x.Shards[s.Key] = file
			if !seen[file] {
				seen[file] = true
				x.Files = append(x.Files, file)
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("weight_map is missing")
	}
	if len(x.Shards) == 0 {
		return nil, fmt.Errorf("weight_map names no tensors")
	}
	return x, nil
}

// checkName accepts a plain file name only: no folder, no drive, no stream.
func checkName(name string) error {
	if len(name) > 255 || strings.ContainsAny(name, "/\\:\x00") || strings.Contains(name, "..") || !strings.HasSuffix(name, ".safetensors") {
		return fmt.Errorf("%.80q is not the name of a .safetensors file in the same folder", name)
	}
	return nil
}
