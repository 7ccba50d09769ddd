package cli

import (
	"fmt"
	"os"
)

func say() {
	fmt.Fprintln(os.Stdout, "the streams come in here")
	fmt.Println("but not behind their user's back") // want `fmt.Println must not be used here`
}
