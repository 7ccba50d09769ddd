package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// reader is one long-lived git cat-file process. It is used by one at a time.
type reader struct {
	cmd    *exec.Cmd
	in     *os.File
	outEnd *os.File
	out    *bufio.Reader
	stderr *bounded
	line   []byte
}

// object is what is known of an object before its content is read.
type object struct {
	id   string
	kind string // commit, tree, blob or tag
	size int64
}

// answerTime bounds the wait for one answer of a process on this machine; only
// a stalled disk takes as long.
const answerTime = time.Minute

var (
	errMissing   = errors.New("no such object")
	errAmbiguous = errors.New("the start of more than one object's id")
)

// startReader starts a process on the repository in dir. It ends by itself
// when this program does: its input is closed then.
func (p *Program) startReader(dir string) (*reader, error) {
	inEnd, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start git cat-file: %w", err)
	}
	outEnd, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start git cat-file: %w", err), inEnd.Close(), in.Close())
	}
	r := &reader{in: in, outEnd: outEnd, out: bufio.NewReaderSize(outEnd, 64<<10), stderr: &bounded{max: maxStderr}}
	r.cmd = p.prepare(context.Background(), command{dir: dir, args: []string{"cat-file", "--batch-command"}})
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = inEnd, out, r.stderr
	err = r.cmd.Start()
	_, _ = inEnd.Close(), out.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start git cat-file: %w", err), in.Close(), outEnd.Close())
	}
	return r, nil
}

// close ends the process and waits for it.
func (r *reader) close() {
	_ = r.in.Close()
	_ = r.outEnd.Close()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// info looks an object up by id, or by any name that holds no line end.
func (r *reader) info(name string) (object, error) { return r.ask("info", name) }

// contents reads an object whose size is known.
func (r *reader) contents(o object) ([]byte, error) {
	now, err := r.ask("contents", o.id)
	if err != nil {
		return nil, err
	}
	if now != o {
		return nil, r.died(fmt.Errorf("it says %v of %v", now, o))
	}
	b := make([]byte, o.size+1) // a line end follows
	if _, err := io.ReadFull(r.out, b); err != nil {
		return nil, r.died(err)
	}
	return b[:o.size:o.size], nil
}

// ask sends one command and reads the first line of the answer:
// ID KIND SIZE, or NAME missing.
func (r *reader) ask(what, name string) (object, error) {
	deadline := time.Now().Add(answerTime)
	_, _ = r.in.SetWriteDeadline(deadline), r.outEnd.SetReadDeadline(deadline)
	r.line = append(append(append(append(r.line[:0], what...), ' '), name...), '\n')
	if _, err := r.in.Write(r.line); err != nil {
		return object{}, r.died(err)
	}
	answer, err := r.out.ReadString('\n')
	if err != nil {
		return object{}, r.died(err)
	}
	answer = strings.TrimSuffix(answer, "\n")
	if strings.HasSuffix(answer, " missing") {
		return object{}, errMissing
	}
	if strings.HasSuffix(answer, " ambiguous") {
		return object{}, errAmbiguous
	}
	id, rest, _ := strings.Cut(answer, " ")
	kind, size, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 {
		return object{}, r.died(fmt.Errorf("it says %q", answer))
	}
	return object{id: id, kind: kind, size: n}, nil
}

// died ends a process that can't go on: it ended in the middle of an answer, or
// it said what it shouldn't.
func (r *reader) died(err error) error {
	r.close()
	return &failure{args: []string{"cat-file"}, stderr: redact(r.stderr.String(), nil), err: err}
}
