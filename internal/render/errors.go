package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxErrors bounds how many errors of one render are told.
const maxErrors = 10

// Join puts the errors of one render together, each on a line of its own. Of
// many it tells the first and counts the rest.
func Join(errs []error) error {
	if n := len(errs) - maxErrors; n > 0 {
		errs = append(errs[:maxErrors:maxErrors], fmt.Errorf("and %d more", n))
	}
	return errors.Join(errs...)
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
