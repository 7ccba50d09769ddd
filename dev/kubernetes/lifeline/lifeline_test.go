package lifeline

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// pipe returns a read end for Watch, which takes it over, and the starter's end.
func pipe(t *testing.T) (fd string, starter *os.File) {
	t.Helper()
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	starter = os.NewFile(uintptr(ends[1]), "starter")
	t.Cleanup(func() { starter.Close() })
	return strconv.Itoa(ends[0]), starter
}

func TestExitsWhenTheStarterIsGone(t *testing.T) {
	fd, starter := pipe(t)
	exits := make(chan int)
	if err := Watch(fd, func(code int) { exits <- code }); err != nil {
		t.Fatal(err)
	}
	starter.Close()
	if code := <-exits; code != ExitOrphaned {
		t.Errorf("exit code %d, want %d", code, ExitOrphaned)
	}
}

func TestOutlivesAStarterThatLetGo(t *testing.T) {
	fd, starter := pipe(t)
	exits := make(chan int, 1)
	if err := Watch(fd, func(code int) { exits <- code }); err != nil {
		t.Fatal(err)
	}
	for { // until the other end is closed: then the watch has read the first byte, and is over
		if _, err := starter.Write([]byte{1}); err != nil {
			break
		}
	}
	select {
	case code := <-exits:
		t.Errorf("it exited with %d", code)
	default:
	}
}

func TestRefusesWhatIsNoLifeline(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, value := range []string{"x", "-1", "0", "2", "999", strconv.Itoa(int(file.Fd()))} {
		if err := Watch(value, func(int) { t.Error("exited") }); err == nil {
			t.Errorf("Watch(%q) took it", value)
		}
	}
	if err := Watch("", func(int) { t.Error("exited") }); err != nil {
		t.Errorf("no lifeline at all: %v", err)
	}
}
