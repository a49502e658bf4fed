package generate

import (
	"encoding/binary"
	"fmt"
	"math"

	"qwill/engine/mlx"
	"qwill/engine/proto"
	"qwill/engine/schema/mask"
)

// Form holds a reply to a format.
type Form struct {
	// Matcher follows the tokens of the reply, thinking included.
	Matcher *mask.Matcher
	// Complete says whether an answer is whole: only there a stop string counts.
	Complete func(answer string) bool

	bytes []byte // scratch
}

// fits refuses a form that limit tokens cannot hold.
func (f *Form) fits(limit int, asked bool) error {
	need := f.Matcher.Needed()
	if need <= limit {
		return nil
	}
	if !asked {
		return &proto.Error{Code: proto.CodeTooLong,
			Message:   fmt.Sprintf("the shortest answer of this form takes %d tokens, the model's context has room for %d", need, limit),
			ErrorData: proto.ErrorData{Field: "messages", Hint: "shorten the text"}}
	}
	return &proto.Error{Code: proto.CodeInvalid,
		Message:   fmt.Sprintf("max_tokens is %d, but the shortest answer of this form takes %d", limit, need),
		ErrorData: proto.ErrorData{Field: "max_tokens", Hint: fmt.Sprintf("allow %d tokens or more", need)}}
}

// spread turns every byte of a set into eight of a mask.
var spread = func() (t [256]uint64) {
	for b := range t {
		for i := range 8 {
			if b>>i&1 != 0 {
				t[b] |= 1 << (8 * i)
			}
		}
	}
	return t
}()

// apply takes the logits [1, vocabulary] of tokens that do not fit to minus
// infinity; left tokens may follow in all, the one to be drawn included.
func (f *Form) apply(t *mlx.Thread, logits mlx.Array, left int) mlx.Array {
	set := f.Matcher.Mask(left)
	if f.bytes == nil {
		f.bytes = make([]byte, 64*len(set))
	}
	at := 0
	for _, w := range set {
		for range 8 {
			binary.LittleEndian.PutUint64(f.bytes[at:], spread[w&255])
			w >>= 8
			at += 8
		}
	}
	n := logits.Dim(1)
	may := t.FromBytes(mlx.Bool, f.bytes[:n], 1, n)
	return mlx.Where(may, logits, t.Scalar(mlx.Float32, math.Inf(-1)))
}
