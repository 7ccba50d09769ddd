package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// writer writes the content of a frame: numbers as varints, texts and lists
// after their length.
type writer struct{ b []byte }

func (w *writer) number(n int)     { w.b = binary.AppendUvarint(w.b, uint64(n)) }
func (w *writer) byte(b byte)      { w.b = append(w.b, b) }
func (w *writer) text(s string)    { w.number(len(s)); w.b = append(w.b, s...) }
func (w *writer) bytes(b []byte)   { w.number(len(b)); w.b = append(w.b, b...) }
func (w *writer) texts(l []string) { w.number(len(l)); each(l, w.text) }

func (w *writer) bool(b bool) {
	if b {
		w.byte(1)
		return
	}
	w.byte(0)
}

func each[T any](list []T, do func(T)) {
	for _, item := range list {
		do(item)
	}
}

// The kinds of values.
const (
	tagNil byte = iota
	tagFalse
	tagTrue
	tagInt64
	tagFloat64
	tagText
	tagList
	tagMap
	tagInt
	tagUint64
)

// value writes a value as manifests have them, with its very type: a template
// prints an int64 otherwise than a float64.
func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.byte(tagNil)
	case bool:
		w.byte(tagFalse)
		if v {
			w.b[len(w.b)-1] = tagTrue
		}
	case int64:
		w.byte(tagInt64)
		w.b = binary.AppendVarint(w.b, v)
	case int:
		w.byte(tagInt)
		w.b = binary.AppendVarint(w.b, int64(v))
	case uint64:
		w.byte(tagUint64)
		w.b = binary.AppendUvarint(w.b, v)
	case float64:
		w.byte(tagFloat64)
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
	case string:
		w.byte(tagText)
		w.text(v)
	case []any:
		return w.list(v)
	case map[string]any:
		return w.mapping(v)
	default:
		return fmt.Errorf("a value of the type %T, which manifests don't have", v)
	}
	return nil
}

// list writes one; a nil list is told from an empty one.
func (w *writer) list(l []any) error {
	if l == nil {
		w.byte(tagList)
		w.number(0)
		return nil
	}
	w.byte(tagList)
	w.number(len(l) + 1)
	for _, item := range l {
		if err := w.value(item); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) mapping(m map[string]any) error {
	w.byte(tagMap)
	if m == nil {
		w.number(0)
		return nil
	}
	w.number(len(m) + 1)
	for k, item := range m {
		w.text(k)
		if err := w.value(item); err != nil {
			return err
		}
	}
	return nil
}

// reader reads what a writer wrote, or anything else: then it fails, and all
// that is read from there on is empty.
type reader struct {
	b    []byte
	err  error
	left int // of the weight that values may have
}

func newReader(payload []byte, weight int) *reader { return &reader{b: payload, left: weight} }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errGarbage, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

// end is the first error, or that something is left.
func (r *reader) end() error {
	if len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	return r.err
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("it is cut short")
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *reader) bool() bool { return r.byte() == 1 }

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail("a number can't be read")
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail("a number can't be read")
		return 0
	}
	r.b = r.b[size:]
	return n
}

// number is one that fits an int and isn't negative.
func (r *reader) number() int {
	n := r.uvarint()
	if n > math.MaxInt32 {
		r.fail("the number %d is too large", n)
		return 0
	}
	return int(n)
}

// count is how many of something follow, each of which takes at least a byte.
func (r *reader) count() int {
	n := r.number()
	if n > len(r.b) {
		r.fail("%d of something in %d bytes", n, len(r.b))
		return 0
	}
	return n
}

// size is one more than how many of something follow, or zero for nil.
func (r *reader) size() int {
	n := r.number()
	if n > len(r.b)+1 {
		r.fail("%d of something in %d bytes", n-1, len(r.b))
		return 0
	}
	return n
}

// bytes are good until the next frame.
func (r *reader) bytes() []byte {
	n := r.count()
	if r.err != nil {
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) texts() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, min(n, fewItems))
	for range n {
		list = append(list, r.text())
	}
	return list
}

// fewItems are those that memory is taken for before they are there.
const fewItems = 64

// maxDepth is how deep values may nest: deeper than any manifest may.
const maxDepth = 2_000

// value reads a value, of whose weight so much is left as was said. It is
// weighed as the check of a render weighs it, so what weighs too much here would
// there.
func (r *reader) value() any { return r.nested(maxDepth) }

func (r *reader) nested(depth int) any {
	const scalar = 8
	if depth == 0 {
		r.fail("values nest more than %d deep", maxDepth)
		return nil
	}
	switch tag := r.byte(); tag {
	case tagText:
		s := r.text()
		r.weigh(len(s) + 2)
		return s
	case tagList:
		return r.list(depth - 1)
	case tagMap:
		return r.mapping(depth - 1)
	default:
		r.weigh(scalar)
		return r.scalar(tag)
	}
}

func (r *reader) scalar(tag byte) any {
	switch tag {
	case tagNil:
		return nil
	case tagFalse:
		return false
	case tagTrue:
		return true
	case tagInt64:
		return r.varint()
	case tagInt:
		return int(r.varint())
	case tagUint64:
		return r.uvarint()
	case tagFloat64:
		if len(r.b) < 8 {
			r.fail("it is cut short")
			return nil
		}
		bits := binary.LittleEndian.Uint64(r.b)
		r.b = r.b[8:]
		return math.Float64frombits(bits)
	}
	r.fail("there is no kind of value %d", tag)
	return nil
}

func (r *reader) weigh(n int) {
	if r.left -= n; r.left < 0 && r.err == nil {
		r.err, r.b = errHeavy, nil
	}
}

// errHeavy marks values that are sound, but more than there may be.
var errHeavy = errors.New("it has more bytes than it may")

func (r *reader) list(depth int) any {
	n := r.size()
	r.weigh(2)
	if n == 0 || r.err != nil {
		return []any(nil)
	}
	list := make([]any, 0, min(n-1, fewItems))
	for range n - 1 {
		item := r.nested(depth)
		if r.weigh(1); r.err != nil {
			return nil
		}
		list = append(list, item)
	}
	return list
}

func (r *reader) mapping(depth int) any {
	n := r.size()
	r.weigh(2)
	if n == 0 || r.err != nil {
		return map[string]any(nil)
	}
	m := make(map[string]any, min(n-1, fewItems))
	for range n - 1 {
		k := r.text()
		m[k] = r.nested(depth)
		if r.weigh(len(k) + 4); r.err != nil {
			return nil
		}
	}
	return m
}
