package gitobject

import (
	"bytes"
	"compress/zlib"
	//lint:ignore forbidden Git names objects by it; what is trusted is who served them
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
)

// Kind is what an object is.
type Kind string

// The kinds that are written here. Tags are only read.
const (
	KindBlob   Kind = "blob"
	KindTree   Kind = "tree"
	KindCommit Kind = "commit"
)

// Format is the hash function that a repository names its objects by.
type Format string

// The formats.
const (
	SHA1   Format = "sha1"
	SHA256 Format = "sha256"
)

// FormatOf is the format of the repository that an object's id comes from.
func FormatOf(id string) Format {
	if len(id) == 2*sha256.Size {
		return SHA256
	}
	return SHA1
}

func (f Format) hash() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

var idForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// IsID says whether s is a full object id, in either format.
func IsID(s string) bool { return idForm.MatchString(s) }

// Object is one object, and the id that its content gives it.
type Object struct {
	ID      string
	Kind    Kind
	Content []byte
}

// New names content.
func New(f Format, kind Kind, content []byte) Object {
	h := f.hash()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	_, _ = h.Write(content) // a hash takes everything
	return Object{ID: hex.EncodeToString(h.Sum(nil)), Kind: kind, Content: content}
}

// Pack puts objects into one pack, whole and in their order.
// The format is that of gitformat-pack(5), version 2.
func Pack(f Format, objects []Object) []byte {
	var b bytes.Buffer
	b.WriteString("PACK")
	header := binary.BigEndian.AppendUint32(nil, 2)
	b.Write(binary.BigEndian.AppendUint32(header, uint32(len(objects))))
	for _, o := range objects {
		b.Write(packed(o))
		z := zlib.NewWriter(&b)
		_, _ = z.Write(o.Content) // into memory, where nothing fails
		_ = z.Close()
	}
	h := f.hash()
	_, _ = h.Write(b.Bytes())
	return h.Sum(b.Bytes())
}

// packed is how an object begins in a pack: its kind, and its size, the lowest
// bits first.
func packed(o Object) []byte {
	kind := map[Kind]byte{KindCommit: 1, KindTree: 2, KindBlob: 3}[o.Kind]
	size := uint64(len(o.Content))
	next := kind<<4 | byte(size&0x0f)
	var header []byte
	for size >>= 4; size > 0; size >>= 7 {
		header = append(header, next|0x80)
		next = byte(size & 0x7f)
	}
	return append(header, next)
}
