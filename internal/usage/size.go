package usage

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Size is a number of bytes, written as Kubernetes does.
type Size int64

func (s *Size) String() string { return resource.NewQuantity(int64(*s), resource.BinarySI).String() }

// Type says what it is, for the list of flags.
func (*Size) Type() string { return "size" }

// Set reads what Kubernetes takes for a quantity.
func (s *Size) Set(text string) error {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() <= 0 {
		return fmt.Errorf("%q is no size, such as 512Mi or 1Gi", text)
	}
	*s = Size(q.Value())
	return nil
}
