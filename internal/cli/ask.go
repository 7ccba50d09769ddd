package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"plumb.dev/plumb/internal/usage"
)

// interactive says whether someone sits before a terminal, who can be asked.
func (e Env) interactive() bool {
	in, isFile := e.In.(*os.File)
	_, shown := e.Terminal()
	return isFile && shown && term.IsTerminal(int(in.Fd()))
}

// ErrNoTerminal says that nobody can be asked. Where the output goes doesn't
// matter.
var ErrNoTerminal = errors.New("there is no terminal to ask at")

// readSecret asks for what the terminal doesn't show while it is typed.
func (e Env) readSecret(question string) (string, error) {
	in, isFile := e.In.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return "", ErrNoTerminal
	}
	fmt.Fprint(e.Err, question)
	typed, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(e.Err)
	return string(typed), err
}

// CanAsk refuses a command that would have to ask and can't.
func (e Env) CanAsk(yes bool, command string) error {
	if yes || e.Interactive() {
		return nil
	}
	return usage.Errorf("%s asks before it does something, and there is no terminal to ask at: give --yes", command)
}

// errDeclined is returned where someone said no.
var errDeclined = errors.New("nothing was done")

// Ask asks a question that is answered by yes or no; anything but yes is no.
func (e Env) Ask(ctx context.Context, question string) error {
	fmt.Fprint(e.Err, question+" [y/N] ")
	answer := make(chan string, 1)
	go func() { // reading can't be interrupted
		line, _ := bufio.NewReader(e.In).ReadString('\n') // an end is no answer, and so no
		answer <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(e.Err)
		return ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return usage.Differs(errDeclined)
	}
}
