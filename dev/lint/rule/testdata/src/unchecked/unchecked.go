package unchecked

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

func try() error { return nil }

func pair() (int, error) { return 0, nil }

func drop() {
	try()       // want `the error is dropped`
	pair()      // want `the error is dropped`
	go try()    // want `the error is dropped`
	defer try() // want `the error is dropped`
	_ = try()
	_, _ = pair()
	func() { try() }() // want `the error is dropped`
}

func harmlessCalls(w io.Writer, file *os.File) {
	defer file.Close()
	fmt.Fprintln(w, "hello")
	sha256.New().Write(nil)
	var b bytes.Buffer
	b.WriteString("in memory")
	w.Write(nil)          // want `the error is dropped`
	io.WriteString(w, "") // want `the error is dropped`
}

func atTheEnd(tx *sql.Tx, answer http.ResponseWriter) {
	defer tx.Rollback()
	defer os.RemoveAll("left behind")
	os.RemoveAll("in the way") // want `the error is dropped`
	tx.Commit()                // want `the error is dropped`
	io.WriteString(answer, "hello")
	answer.Write(nil)
	method := tx.Commit
	method() // want `the error is dropped`
}

func lost(text string) error {
	file, err := os.Create("lost") // want `file is written, but no error of its Close or Sync is looked at`
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.WriteString(file, text)
	return err
}

func lostToo(v any) error {
	file, err := os.OpenFile("lost", os.O_CREATE|os.O_WRONLY, 0o600) // want `file is written, but no error`
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewEncoder(file).Encode(v)
}

func read() ([]byte, error) {
	file, err := os.OpenFile("read", os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

func kept(text string) error {
	file, err := os.Create("kept")
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Close()
}

func handedOn() (*os.File, error) {
	file, err := os.Create("handed on")
	return file, err
}

type owner struct{ file *os.File }

func owned() (owner, error) {
	file, err := os.Create("owned")
	if err != nil {
		return owner{}, err
	}
	return owner{file: file}, nil
}
