package worker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// kind is what a frame is about.
type kind byte

// What the daemon sends.
const (
	kindSettings kind = 'S' // once, before all else
	kindRequest  kind = 'R' // what is to be rendered
	kindAnswer   kind = 'A' // to what was asked for
	kindRefusal  kind = 'E' // the error in its place
)

// What a worker sends.
const (
	kindReady        kind = 'H' // once, when it is confined
	kindFile         kind = 'f' // asks for a file
	kindFolder       kind = 'd' // asks for a folder's entries
	kindStat         kind = 's' // asks what is at a path
	kindCapabilities kind = 'c' // asks what the target can do
	kindLookup       kind = 'o' // asks for an object of the target
	kindList         kind = 'l' // asks for objects of the target
	kindNeed         kind = 'w' // names a source
	kindNotice       kind = 'n' // says something to people
	kindObject       kind = 'O' // one of what was rendered
	kindDone         kind = 'D' // that was all
	kindFailed       kind = 'X' // the error in place of all
)

// The bounds of a frame, in bytes.
const (
	mostFromWorker = 8 << 20   // an object, which an API server takes no larger than 3 MB
	mostFromDaemon = 160 << 20 // a file, or a list of the target's objects
)

// errGarbage marks what no sound worker or daemon sends.
var errGarbage = errors.New("it sent what can't be read")

// link is one side's end of the pipes. It is used by one goroutine.
//
// A frame is its kind, the length of what follows as four bytes (the lowest
// first), and that.
type link struct {
	in   *bufio.Reader
	out  *bufio.Writer
	most int // bytes of a frame that the other side may send
	buf  []byte
}

const headerSize = 5

func newLink(in io.Reader, out io.Writer, most int) *link {
	const size = 16 << 10
	return &link{in: bufio.NewReaderSize(in, size), out: bufio.NewWriterSize(out, size), most: most}
}

// send puts a frame where flush will find it.
func (l *link) send(k kind, payload []byte) error {
	var header [headerSize]byte
	header[0] = byte(k)
	binary.LittleEndian.PutUint32(header[1:], uint32(len(payload)))
	if _, err := l.out.Write(header[:]); err != nil {
		return err
	}
	_, err := l.out.Write(payload)
	return err
}

// sendNow sends a frame and all before it.
func (l *link) sendNow(k kind, payload []byte) error {
	if err := l.send(k, payload); err != nil {
		return err
	}
	return l.out.Flush()
}

// receive waits for a frame. Its payload is good until the next.
func (l *link) receive() (kind, []byte, error) {
	header, err := l.in.Peek(headerSize)
	if err != nil {
		return 0, nil, err
	}
	k, length := kind(header[0]), int64(binary.LittleEndian.Uint32(header[1:]))
	if length > int64(l.most) {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errGarbage, length)
	}
	_, _ = l.in.Discard(headerSize) // which are buffered
	payload, err := l.payload(int(length))
	return k, payload, err
}

// payload reads so many bytes. Memory is taken as they come, not as they are
// announced, and a large piece is let go of again.
func (l *link) payload(length int) ([]byte, error) {
	const step, kept = 256 << 10, 1 << 20
	buf := l.buf[:0]
	for len(buf) < length {
		n := min(length-len(buf), step)
		if cap(buf)-len(buf) < n {
			buf = append(make([]byte, 0, min(length, max(2*cap(buf), len(buf)+n))), buf...)
		}
		read, err := io.ReadFull(l.in, buf[len(buf):len(buf)+n])
		if err != nil {
			return nil, err
		}
		buf = buf[:len(buf)+read]
	}
	if l.buf = buf; cap(buf) > kept {
		l.buf = nil
	}
	return buf, nil
}
