package render

import (
	"os" // a test may read its testdata
	"testing"
)

func TestRead(t *testing.T) {
	if _, err := os.ReadFile("testdata/input"); err != nil {
		t.Fatal(err)
	}
}
