// Package engine is the one door to inference for the rest of Qwill: plain Go
// types, no cgo, no MLX. Behind it engine/host supervises the child process
// qwill-engine and speaks JSON-RPC 2.0 to it over stdin and stdout.
package engine

import "qwill/engine/proto"

// The facade's types are the wire's: nothing is copied on the way through.
type (
	Mode           = proto.Mode
	Message        = proto.Message
	Sampling       = proto.Sampling
	GenerateParams = proto.GenerateParams
	Format         = proto.Format
	EmbedParams    = proto.EmbedParams
	EmbedResult    = proto.EmbedResult
	Event          = proto.Event
	Prefill        = proto.Prefill
	Token          = proto.Token
	Result         = proto.Result
	ModelInfo      = proto.ModelInfo
	LoadProgress   = proto.LoadProgress
	QuantizeParams = proto.QuantizeParams
	ImportResult   = proto.ImportResult
	HelloResult    = proto.HelloResult
	Stats          = proto.Stats
	Error          = proto.Error
)

// Modes of matrix products on x86; see proto.
const (
	ModeExact = proto.ModeExact
	ModeFast  = proto.ModeFast
)
