package transfer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"qwill/app/errs"
)

func errUnknown(name string) *errs.Error {
	return errs.New(errs.Invalid, 422, "The file is none that Qwill can read chats from.").At(name).
		Try("choose Qwill's own export, a conversation of LM Studio, or conversations.json or the ZIP of OpenAI's data export")
}

// Read reads a file of any known kind; name is shown to the user. It fails when
// nothing of the file can be read, or when the sink does.
func Read(f io.ReaderAt, size int64, name string, to Sink) error {
	if size > FileLimit {
		return errs.New(errs.TooLarge, 413, "The file is larger than %d bytes.", FileLimit).At(name)
	}
	head := make([]byte, 4)
	if n, _ := f.ReadAt(head, 0); bytes.HasPrefix(head[:n], []byte("PK")) {
		return readZip(f, size, name, to)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, size)), nil }
	return readJSON(open, name, true, to)
}

// readZip reads each JSON file of an archive. Those of other kinds, such as the
// account data in OpenAI's, are passed over.
func readZip(f io.ReaderAt, size int64, name string, to Sink) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return errs.New(errs.Invalid, 422, "The ZIP file is damaged: %v.", err).At(name).Try("fetch or export it again").Because(err)
	}
	if len(z.File) > EntryLimit {
		return errs.New(errs.TooLarge, 413, "The ZIP file holds %d entries, more than %d.", len(z.File), EntryLimit).At(name)
	}
	left := int64(UnpackLimit)
	found := false
	for _, entry := range z.File {
		if entry.FileInfo().IsDir() || !strings.EqualFold(path.Ext(entry.Name), ".json") {
			continue
		}
		label := path.Base(entry.Name)
		if reason := tooLarge(entry, left); reason != nil {
			to.Skip(reason.At(label))
			continue
		}
		limit := int64(entry.UncompressedSize64)
		left -= limit
		open := func() (io.ReadCloser, error) {
			r, err := entry.Open()
			if err != nil {
				return nil, err
			}
			return limited{io.LimitReader(r, limit), r}, nil
		}
		chats := strings.HasPrefix(strings.ToLower(label), "conversations")
		err := readJSON(open, label, chats, to)
		var e *errs.Error
		switch {
		case err == nil:
			found = true
		case errors.As(err, &e) && e.Status == 422: // not of a kind that is known
			if chats {
				to.Skip(e)
			}
		default:
			return err
		}
	}
	if !found {
		return errUnknown(name)
	}
	return nil
}

type limited struct {
	io.Reader
	io.Closer
}

// tooLarge refuses entries that unpack to far more than they are.
func tooLarge(entry *zip.File, left int64) *errs.Error {
	size, packed := entry.UncompressedSize64, max(1, entry.CompressedSize64)
	switch {
	case size > uint64(left):
		return errs.New(errs.TooLarge, 413, "The ZIP file unpacks to more than %d bytes.", UnpackLimit)
	case size > 1<<20 && size/packed > RatioLimit:
		return errs.New(errs.TooLarge, 413, "The entry unpacks to %d times its size.", size/packed)
	}
	return nil
}

// readJSON finds out whose JSON it is and reads it. It opens the file twice:
// the head of a foreign file may come after its body. lists says whether a
// list is one of conversations.
func readJSON(open func() (io.ReadCloser, error), name string, lists bool, to Sink) error {
	head, err := look(open, name)
	if err != nil {
		return err
	}
	switch {
	case head.array && lists:
		return elements(open, name, nil, func(raw []byte, i int) error { return oneOfArray(raw, name, i, to) })
	case head.Format == Format:
		return readQwill(open, name, head, to)
	case head.openAI || head.lmStudio:
		raw, err := whole(open, name)
		if err != nil {
			return err
		}
		if head.openAI {
			return deliver(to, func() (Chat, *errs.Error) { return readOpenAI(raw, name) })
		}
		return deliver(to, func() (Chat, *errs.Error) { return readLMStudio(raw, name) })
	}
	return errUnknown(name)
}

// oneOfArray reads an entry of conversations.json.
func oneOfArray(raw []byte, file string, i int, to Sink) error {
	name := fmt.Sprintf("%s, entry %d", file, i+1)
	if depth(raw) > DepthLimit {
		to.Skip(errSkip(name, "It nests deeper than %d.", DepthLimit))
		return nil
	}
	return deliver(to, func() (Chat, *errs.Error) { return readOpenAI(raw, name) })
}

func deliver(to Sink, read func() (Chat, *errs.Error)) error {
	c, reason := read()
	if reason != nil {
		to.Skip(reason)
		return nil
	}
	return to.Chat(c)
}

// head is what the keys at the top of a JSON file tell.
type head struct {
	Archive
	array    bool
	openAI   bool // one conversation of OpenAI's
	lmStudio bool
}

// look reads the keys at the top, and the small values that tell the kind.
func look(open func() (io.ReadCloser, error), name string) (h head, err error) {
	r, err := open()
	if err != nil {
		return h, broken(name, err)
	}
	defer r.Close()
	d, budget := decoder(r)
	first, err := d.Token()
	if err != nil {
		return h, broken(name, err)
	}
	switch first {
	case json.Delim('['):
		h.array = true
		return h, nil
	case json.Delim('{'):
	default:
		return h, errUnknown(name)
	}
	for d.More() {
		budget.left = ChatBytes
		key, err := d.Token()
		if err != nil {
			return h, broken(name, err)
		}
		var to any
		switch key {
		case "format":
			to = &h.Format
		case "version":
			to = &h.Version
		case "folders":
			to = &h.Folders
		case "presets":
			to = &h.Presets
		case "mapping":
			h.openAI = true
		case "messages":
			h.lmStudio = true
		}
		if to != nil {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return h, broken(name, err)
			}
			_ = json.Unmarshal(raw, to) // of another kind: it tells nothing
			continue
		}
		if h.openAI {
			return h, nil
		}
		if err := pass(d, budget); err != nil {
			return h, broken(name, err)
		}
	}
	return h, nil
}

// pass reads over one value without keeping it.
func pass(d *json.Decoder, budget *budget) error {
	for open := 0; ; {
		budget.left = ChatBytes
		t, err := d.Token()
		if err != nil {
			return err
		}
		if delim, ok := t.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				open++
			} else {
				open--
			}
		}
		if open == 0 {
			return nil
		}
		if open > 4*DepthLimit {
			return fmt.Errorf("it nests deeper than %d", 4*DepthLimit)
		}
	}
}

// elements calls each with the raw elements of the array at the top, or of the
// one below key.
func elements(open func() (io.ReadCloser, error), name string, key *string, each func(raw []byte, i int) error) error {
	r, err := open()
	if err != nil {
		return broken(name, err)
	}
	defer r.Close()
	d, budget := decoder(r)
	if _, err := d.Token(); err != nil { // seen before
		return broken(name, err)
	}
	if key != nil {
		if found, err := seek(d, budget, *key); err != nil {
			return broken(name, err)
		} else if !found {
			return nil
		}
	}
	for i := 0; d.More(); i++ {
		if i == ChatLimit {
			return errs.New(errs.TooLarge, 413, "The file holds more than %d chats.", ChatLimit).At(name)
		}
		budget.left = ChatBytes
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return broken(fmt.Sprintf("%s, entry %d", name, i+1), err)
		}
		if err := each(raw, i); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return broken(name, err)
	}
	return nil
}

// seek goes into the array below a key of the object that was just opened.
func seek(d *json.Decoder, budget *budget, key string) (found bool, err error) {
	for d.More() {
		budget.left = ChatBytes
		t, err := d.Token()
		if err != nil {
			return false, err
		}
		if t != key {
			if err := pass(d, budget); err != nil {
				return false, err
			}
			continue
		}
		if t, err = d.Token(); err != nil {
			return false, err
		}
		if t != json.Delim('[') {
			return false, fmt.Errorf("%s is not a list", key)
		}
		return true, nil
	}
	return false, nil
}

func whole(open func() (io.ReadCloser, error), name string) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, broken(name, err)
	}
	defer r.Close()
	d, _ := decoder(r)
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, broken(name, err)
	}
	if depth(raw) > DepthLimit {
		return nil, errs.New(errs.Invalid, 422, "The file nests deeper than %d.", DepthLimit).At(name)
	}
	return raw, nil
}

// budget bounds what the decoder may read for one element: it holds it whole.
type budget struct {
	r    io.Reader
	left int64
}

var errElement = fmt.Errorf("one entry is larger than %d bytes", ChatBytes)

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errElement
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func decoder(r io.Reader) (*json.Decoder, *budget) {
	b := &budget{r: r, left: ChatBytes}
	in := bufio.NewReaderSize(b, 64<<10)
	// Some editors begin UTF-8 with a mark that JSON does not know.
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3)
	}
	return json.NewDecoder(in), b
}

// broken says where a file cannot be read on.
func broken(name string, err error) *errs.Error {
	return errs.New(errs.Invalid, 422, "The file cannot be read: %v.", err).At(name).
		Try("export it again; what came before this place was read").Because(err)
}

// depth gives the deepest nesting of a valid JSON value.
func depth(raw []byte) int {
	deepest, open, text := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}
