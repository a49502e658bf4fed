package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"

	"qwill/app/errs"
	"qwill/app/models"
	"qwill/engine"
)

// Bounds of an embedding request.
const (
	maxInputs     = 2048 // texts, as OpenAI's
	embedAtOnce   = 64   // texts a call of the engine, so that others pass between
	maxDimensions = 1 << 16
)

// EmbeddingRequest is the body of POST /v1/embeddings.
type EmbeddingRequest struct {
	Model      string          `json:"model"`
	Input      json.RawMessage `json:"input"`           // string, strings, token ids, lists of token ids
	Format     *string         `json:"encoding_format"` // float (the default) or base64
	Dimensions *int            `json:"dimensions"`      // the first so many numbers, of length 1 again
}

// Embedding is one vector of the answer.
type Embedding struct {
	Object string `json:"object"`
	Index  int    `json:"index"`
	Vector any    `json:"embedding"` // []float32, or base64 of little-endian float32
}

// Embeddings is the answer.
type Embeddings struct {
	Object string      `json:"object"`
	Data   []Embedding `json:"data"`
	Model  string      `json:"model"`
	Usage  struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	} `json:"usage"`
}

// Params checks a request and gives the engine's parameters, in parts.
func (r *EmbeddingRequest) Params() (parts []engine.EmbedParams, packed bool, err error) {
	if r.Format != nil {
		switch *r.Format {
		case "float":
		case "base64":
			packed = true
		default:
			return nil, false, bad("encoding_format", "It is float or base64, not %.40q.", *r.Format)
		}
	}
	p := engine.EmbedParams{}
	if d := r.Dimensions; d != nil {
		if *d < 1 || *d > maxDimensions {
			return nil, false, bad("dimensions", "%d is out of range: from 1 to the model's own.", *d)
		}
		p.Dimensions = *d
	}
	texts, ids, err := prompts("input", r.Input, maxInputs)
	if err != nil {
		return nil, false, err
	}
	for at := 0; at < len(texts)+len(ids); at += embedAtOnce {
		q := p
		if texts != nil {
			q.Texts = texts[at:min(len(texts), at+embedAtOnce)]
		} else {
			q.Prompts = ids[at:min(len(ids), at+embedAtOnce)]
		}
		parts = append(parts, q)
	}
	return parts, packed, nil
}

func (s *server) embed(w http.ResponseWriter, r *http.Request) error {
	var in EmbeddingRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	parts, packed, err := in.Params()
	if err != nil {
		return err
	}
	m, err := s.embedder(r, in.Model)
	if err != nil {
		return err
	}
	out := Embeddings{Object: "list", Model: m.Name, Data: []Embedding{}}
	for _, p := range parts {
		p.Path, p.Mode = m.Path, s.Mode
		res, err := s.Engine.Embed(r.Context(), p)
		if r.Context().Err() != nil {
			return nil // nobody is there to answer
		}
		if err != nil {
			return err
		}
		for _, v := range res.Vectors {
			e := Embedding{Object: "embedding", Index: len(out.Data), Vector: v}
			if packed {
				e.Vector = pack(v)
			}
			out.Data = append(out.Data, e)
		}
		out.Usage.Prompt += res.Tokens
	}
	out.Usage.Total = out.Usage.Prompt
	return answer(w, http.StatusOK, out)
}

// embedder finds the embedding model of a name; "" is the only one there is.
func (s *server) embedder(r *http.Request, name string) (models.Model, error) {
	if name != "" {
		m, err := s.Models.Find(r.Context(), name)
		if err != nil {
			return m, err
		}
		return m, m.For(models.RoleEmbedding)
	}
	all, err := s.Models.List(r.Context())
	if err != nil {
		return models.Model{}, err
	}
	var found []models.Model
	for _, m := range all {
		if m.Role == models.RoleEmbedding && !m.Missing {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return models.Model{}, errs.New(errs.NoModel, 409, "No embedding model is installed.").
			Try("install one, such as Qwen3-Embedding-0.6B")
	}
	return models.Model{}, bad("model", "There are %d embedding models: name one.", len(found))
}

// pack gives a vector as OpenAI's clients ask for it.
func pack(v []float32) string {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// writer finds a model that writes.
func (s *server) writer(r *http.Request, name string) (models.Model, error) {
	m, err := s.Models.Find(r.Context(), name)
	if err != nil {
		return m, err
	}
	return m, m.For(models.RoleChat)
}
