package server

import (
	"crypto/sha1" // want `crypto/sha1 must not be imported here: it is broken`
	"crypto/tls"
	"fmt"
	"log" // want `log must not be imported here: logs are log/slog`
	"math/rand"
	"net/http"
	"os"

	shell "golang.org/x/crypto/ssh"
)

func speak(arguments []string) {
	fmt.Println("to whom?")                                     // want `fmt.Println must not be used here`
	fmt.Fprintln(os.Stderr, len(arguments), rand.Int())         // want `os.Stderr must not be used here` `math/rand.Int must not be used here: it can be guessed`
	_ = rand.New(rand.NewSource(1))                             // want `math/rand.New must not` `math/rand.NewSource must not`
	log.Print(sha1.New().Size())                                // the import is reported
	http.Get("http://localhost")                                // want `net/http.Get must not be used here: it has no time limit`
	os.Exit(1)                                                  // want `os.Exit must not be used here: only main`
	_ = os.Setenv("A", "b")                                     // want `os.Setenv must not be used here: it changes the whole process`
	_ = shell.InsecureIgnoreHostKey()                           // want `ssh.InsecureIgnoreHostKey must not be used here`
	_, _ = fmt.Sprint("fine"), os.Getenv("PLUMB_SERVER_PLEASE") // reading is fine
}

func trust(skip bool) *tls.Config {
	c := &tls.Config{InsecureSkipVerify: skip} // want `InsecureSkipVerify is not to be set`
	c.InsecureSkipVerify = true                // want `InsecureSkipVerify is not to be set`
	c.InsecureSkipVerify = false
	if c.InsecureSkipVerify {
		return &tls.Config{InsecureSkipVerify: false}
	}
	return c
}

func jitter(random *rand.Rand) int {
	return random.Int() //nolint:gosec // want `nolint means nothing here`
}
