package controlplane

import (
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	maxLog     = 10 << 20 // bytes; a larger log is put aside when its component starts
	tailLines  = 8
	tailBytes  = 64 << 10
	tailColumn = 400 // a component's longest lines hold whole configurations
)

// logMark is the part of a log that one run of a component wrote.
type logMark struct {
	path string
	from int64
}

// openLog opens a component's log for writing at its end. What earlier runs wrote stays, because it may say why they ended.
func openLog(path string) (*os.File, logMark, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, logMark{}, err
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, logMark{}, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, logMark{}, err
	}
	return file, logMark{path, info.Size()}, nil
}

// String shows the last lines, indented, and where the rest is.
func (m logMark) String() string {
	lines := strings.Split(strings.TrimSpace(m.text()), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	if lines[0] == "" {
		return fmt.Sprintf("its log %s says nothing", m.path)
	}
	for i, line := range lines {
		if len(line) > tailColumn {
			lines[i] = line[:tailColumn] + "…"
		}
	}
	return fmt.Sprintf("the last lines of its log %s:\n    %s", m.path, strings.Join(lines, "\n    "))
}

func (m logMark) contains(text string) bool { return strings.Contains(m.text(), text) }

// text is the end of this part of the log; empty when it cannot be read, because all that needs it is already about an error.
func (m logMark) text() string {
	file, err := os.Open(m.path)
	if err != nil {
		return ""
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	if _, err := file.Seek(max(m.from, size-tailBytes), io.SeekStart); err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	return string(text)
}
