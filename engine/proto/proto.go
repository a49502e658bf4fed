// Package proto holds the plain Go types that cross the pipe between qwill and
// its child process qwill-engine: JSON-RPC 2.0 requests, notifications and
// errors. It imports nothing of the project, so that both sides, and the
// facade above them, can share it.
package proto

import "encoding/json"

// Method names of the JSON-RPC 2.0 protocol spoken over the child's stdin and
// stdout, one JSON value a line.
const (
	MethodHello    = "hello"    // HelloParams -> HelloResult, the first call
	MethodOpen     = "open"     // OpenParams -> ModelInfo; progress by NotifyLoad
	MethodClose    = "close"    // CloseParams -> null
	MethodGenerate = "generate" // GenerateParams -> Result; output by NotifyEvent
	MethodEmbed    = "embed"    // EmbedParams -> EmbedResult
	MethodCancel   = "cancel"   // CancelParams -> null; the generate call then returns FinishCancelled, the embed call CodeCancelled
	MethodTokenize = "tokenize" // TokenizeParams -> TokenizeResult
	MethodImport   = "import"   // ImportParams -> ImportResult: GGUF file -> MLX folder
	MethodQuantize = "quantize" // QuantizeParams -> ImportResult: MLX folder -> quantized MLX folder; progress by NotifyLoad
	MethodStats    = "stats"    // null -> Stats

	NotifyEvent = "event" // Event, child to parent
	NotifyLoad  = "load"  // LoadProgress, child to parent
)

// ProtocolVersion changes when the two binaries can no longer talk.
const ProtocolVersion = 1

// Mode says how activations enter quantized matrix products on x86.
type Mode string

const (
	// ModeExact keeps float32 activations; fixtures and proofs use it.
	ModeExact Mode = "exact"
	// ModeFast quantizes activations to int8 a row and group; the default
	// where the kernels support it and perplexity allows it.
	ModeFast Mode = "fast"
)

// HelloParams opens the conversation.
type HelloParams struct {
	Version int `json:"version"` // ProtocolVersion
}

// HelloResult describes the child.
type HelloResult struct {
	Version    int    `json:"version"`
	Build      string `json:"build"`
	MLX        string `json:"mlx"`     // libmlx version
	Device     string `json:"device"`  // "cpu" or "gpu"
	Kernels    string `json:"kernels"` // "avx512vnni", "avx512", "avx2", "portable", "metal", "cuda"
	Threads    int    `json:"threads"`
	Confined   string `json:"confined"` // how network and files are confined, or why not
	PID        int    `json:"pid"`
	MemoryByte int64  `json:"memory_bytes"` // physical memory of the machine
}

// OpenParams loads a model folder in MLX form. Opening what is open is cheap.
type OpenParams struct {
	Path string `json:"path"` // absolute folder
	Mode Mode   `json:"mode"`
}

// CloseParams unloads a model.
type CloseParams struct {
	Path string `json:"path"`
	Mode Mode   `json:"mode"`
}

// LoadProgress is sent while a model loads.
type LoadProgress struct {
	Path  string `json:"path"`
	Done  int64  `json:"done"`  // bytes
	Total int64  `json:"total"` // bytes
}

// ModelInfo describes an open model.
type ModelInfo struct {
	Path            string `json:"path"`
	Mode            Mode   `json:"mode"`
	Architecture    string `json:"architecture"` // model_type of config.json
	Quantization    string `json:"quantization"` // such as "affine 4 bit, group 64" or "bf16"
	Context         int    `json:"context"`      // tokens the model was made for
	Vocabulary      int    `json:"vocabulary"`
	Layers          int    `json:"layers"`
	Parameters      int64  `json:"parameters"`
	WeightBytes     int64  `json:"weight_bytes"`
	KVBytesPerToken int64  `json:"kv_bytes_per_token"`
	CanThink        bool   `json:"can_think"` // the template honours enable_thinking
	LoadMillis      int64  `json:"load_ms"`
}

// Message is one turn for the chat template.
type Message struct {
	Role      string `json:"role"` // system, user, assistant
	Content   string `json:"content"`
	Reasoning string `json:"reasoning,omitempty"` // an assistant's thinking
}

// Sampling holds the decoding settings; a nil field means the model's default
// for the thinking or non-thinking case (Qwen3's published ones).
type Sampling struct {
	Temperature       *float64 `json:"temperature,omitempty"`        // >= 0; 0 is greedy
	TopK              *int     `json:"top_k,omitempty"`              // >= 0; 0 is off
	TopP              *float64 `json:"top_p,omitempty"`              // (0, 1]
	MinP              *float64 `json:"min_p,omitempty"`              // [0, 1)
	PresencePenalty   *float64 `json:"presence_penalty,omitempty"`   // [-2, 2]
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"` // > 0; 1 is off
	Seed              *uint64  `json:"seed,omitempty"`               // same seed, same text
}

// Priorities of a request: a higher one pauses a running lower one, which
// resumes by itself.
const (
	PriorityBackground  = -10 // suggestions: nothing waits for them
	PriorityNormal      = 0
	PriorityInteractive = 10 // quick prompt, commands
)

// GenerateParams asks for one completion. Exactly one of Messages, Prompt and
// Text is set.
type GenerateParams struct {
	ID    uint64 `json:"id"` // chosen by the caller, unique in the process's life; names the events
	Path  string `json:"path"`
	Mode  Mode   `json:"mode"`
	Prior int    `json:"priority,omitempty"`

	Messages []Message `json:"messages,omitempty"` // rendered by the model's chat template
	Thinking bool      `json:"thinking,omitempty"`
	// Continue goes on with the last message, an assistant's: inside its thinking
	// when it has no content yet. Only what is new comes out.
	Continue bool   `json:"continue,omitempty"`
	Prompt   []int  `json:"prompt,omitempty"` // token ids as they are
	Text     string `json:"text,omitempty"`   // raw text; never becomes control tokens

	// Format, if set, is the form that the answer has, whatever ends it; thinking
	// is free.
	Format *Format `json:"format,omitempty"`

	MaxTokens int      `json:"max_tokens,omitempty"` // 0: until the context is full
	Sampling  Sampling `json:"sampling"`
	Stop      []string `json:"stop,omitempty"` // never part of the output
	// Logprobs asks for log-probabilities of generated tokens: 0 none, n > 0
	// also the n-1 best alternatives (at most 21).
	Logprobs int `json:"logprobs,omitempty"`
	// Lookup says that the reply repeats much of the prompt, as a corrected text
	// does: tokens are guessed from there and checked several at once. The reply
	// is the same, only sooner: to the bit with the x86 kernels; on another device
	// several tokens at once may round differently from one, and a draw that is as
	// good as even may then fall otherwise.
	Lookup bool `json:"lookup,omitempty"`
	// Echo reports the prompt's own tokens too, with their log-probabilities
	// when Logprobs > 0 (the first has none).
	Echo bool `json:"echo,omitempty"`
	// IgnoreEOS keeps decoding past end-of-sequence tokens (benchmarks only).
	IgnoreEOS bool `json:"ignore_eos,omitempty"`
	// NoCache neither reads nor leaves a KV prefix (benchmarks only).
	NoCache bool `json:"no_cache,omitempty"`
}

// Format is the form of an answer: exactly one field is set.
type Format struct {
	JSONSchema json.RawMessage `json:"json_schema,omitempty"` // draft 2020-12, as far as engine/schema decides it
	JSONObject bool            `json:"json_object,omitempty"` // any JSON object
	Regex      string          `json:"regex,omitempty"`       // Go's syntax; the whole answer matches
	Grammar    string          `json:"grammar,omitempty"`     // GBNF, llama.cpp's notation; starts with the rule root
}

// Event is one step of a running generation. Fields that do not apply are
// empty. Text never ends inside a UTF-8 sequence.
type Event struct {
	ID        uint64   `json:"id"`
	Prefill   *Prefill `json:"prefill,omitempty"`
	Reasoning string   `json:"reasoning,omitempty"` // delta of the thinking
	Text      string   `json:"text,omitempty"`      // delta of the answer
	Tokens    []Token  `json:"tokens,omitempty"`    // when Logprobs or Echo is set
	Paused    bool     `json:"paused,omitempty"`    // a higher priority took over
}

// Prefill is the progress of reading the prompt, in tokens.
type Prefill struct {
	Cached int `json:"cached"` // taken from the KV cache
	Done   int `json:"done"`   // cached included
	Total  int `json:"total"`
}

// Token is one token with its log-probability (natural log).
type Token struct {
	ID      int      `json:"id"`
	Text    string   `json:"text"`              // lossy when the token is half a character
	Bytes   []byte   `json:"bytes"`             // exact
	Logprob *float64 `json:"logprob,omitempty"` // nil for the first echoed token
	Top     []Token  `json:"top,omitempty"`
	Prompt  bool     `json:"prompt,omitempty"` // part of the prompt (Echo)
}

// Reasons why a generation ended.
const (
	FinishStop      = "stop"      // end of turn or a stop string
	FinishLength    = "length"    // MaxTokens or the context is full
	FinishCancelled = "cancelled" // the caller cancelled
)

// Result closes a generation.
type Result struct {
	Finish           string  `json:"finish"`
	PromptTokens     int     `json:"prompt_tokens"`
	CachedTokens     int     `json:"cached_tokens"`
	CompletionTokens int     `json:"completion_tokens"` // reasoning included
	ReasoningTokens  int     `json:"reasoning_tokens"`
	TTFTMillis       float64 `json:"ttft_ms"` // from start of prefill to the first token
	PrefillPerSecond float64 `json:"prefill_tokens_per_second"`
	DecodePerSecond  float64 `json:"decode_tokens_per_second"`
	PeakMemoryBytes  int64   `json:"peak_memory_bytes"`
	Drafted          int     `json:"drafted,omitempty"`  // tokens guessed by Lookup
	Accepted         int     `json:"accepted,omitempty"` // of them, those that came
	Seed             uint64  `json:"seed"`               // the one used
}

// EmbedParams asks for one vector for each input: the hidden state of its last
// token, of length 1. Exactly one of Texts and Prompts is set. An input ends with
// <|endoftext|>, which is added where it is not there.
type EmbedParams struct {
	ID    uint64 `json:"id"` // as of GenerateParams
	Path  string `json:"path"`
	Mode  Mode   `json:"mode"`
	Prior int    `json:"priority,omitempty"`

	Texts   []string `json:"texts,omitempty"`   // raw texts; never become control tokens
	Prompts [][]int  `json:"prompts,omitempty"` // token ids as they are
	// Dimensions keeps the first so many numbers, scaled to length 1 again, as
	// models trained with Matryoshka representations allow. 0: all.
	Dimensions int `json:"dimensions,omitempty"`
}

// EmbedResult holds the vectors in the order of the inputs.
type EmbedResult struct {
	Vectors [][]float32 `json:"vectors"`
	Tokens  int         `json:"tokens"` // read, the ends included
}

// CancelParams stops a generation or an embedding.
type CancelParams struct {
	ID uint64 `json:"id"`
}

// TokenizeParams asks for token ids of a text (as user text) or of messages.
type TokenizeParams struct {
	Path     string    `json:"path"`
	Text     string    `json:"text,omitempty"`
	Messages []Message `json:"messages,omitempty"`
	Thinking bool      `json:"thinking,omitempty"`
}

// TokenizeResult holds token ids.
type TokenizeResult struct {
	IDs []int `json:"ids"`
}

// ImportParams converts a GGUF file into an MLX folder (Q4_1, Q8_0, F16, F32).
type ImportParams struct {
	Source string `json:"source"` // .gguf file
	Target string `json:"target"` // folder that does not exist yet
}

// QuantizeParams makes a quantized folder of one that is not.
type QuantizeParams struct {
	ID        uint64 `json:"id"`     // as of GenerateParams
	Source    string `json:"source"` // folder in bf16, f16 or f32
	Target    string `json:"target"` // folder that does not exist yet
	Bits      int    `json:"bits"`
	GroupSize int    `json:"group_size"`
}

// ImportResult says what was written.
type ImportResult struct {
	Tensors int   `json:"tensors"`
	Bytes   int64 `json:"bytes"`
}

// Stats is a snapshot of the child.
type Stats struct {
	ActiveBytes int64       `json:"active_bytes"` // MLX allocator, in use
	CacheBytes  int64       `json:"cache_bytes"`  // MLX allocator, kept for reuse
	PeakBytes   int64       `json:"peak_bytes"`
	Handles     int         `json:"handles"` // live array handles
	Models      []ModelInfo `json:"models"`
	Running     int         `json:"running"` // generations under way
	Waiting     int         `json:"waiting"`
}

// Error codes, in JSON-RPC's range for applications. Their Data is an
// ErrorData.
const (
	CodeInvalid     = -32001 // a parameter is out of range: Field names it
	CodeModel       = -32002 // the model's files are missing, damaged or unsupported: File or Field names where
	CodeTooLong     = -32003 // the prompt does not fit the context
	CodeNotOpen     = -32004 // the model is not open
	CodeMemory      = -32005 // not enough memory
	CodeTemplate    = -32006 // the chat template failed
	CodeEngine      = -32007 // MLX reported an error, or logits were not finite
	CodeCancelled   = -32010 // the caller cancelled an embedding
	CodeCrashed     = -32008 // made by the host: the child died
	CodeUnavailable = -32009 // made by the host: the child cannot be started
)

// ErrorData says where and what to do; both sides show it to the user.
type ErrorData struct {
	File  string `json:"file,omitempty"`
	Field string `json:"field,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// Error is an engine error on either side of the pipe.
type Error struct {
	Code    int
	Message string
	ErrorData
}

// Error gives the message, the file or field concerned and the hint.
func (e *Error) Error() string {
	s := e.Message
	if e.File != "" {
		s = e.File + ": " + s
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}
