package usage

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Span is a duration that knows days.
type Span time.Duration

var days = regexp.MustCompile(`^(\d{1,5})d$`)

func (s *Span) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(*s); d > 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return time.Duration(*s).String()
}

// Type says what it is, for the list of flags.
func (*Span) Type() string { return "duration" }

// Set reads days, or what time.ParseDuration reads.
func (s *Span) Set(text string) error {
	if found := days.FindStringSubmatch(text); found != nil {
		n, err := strconv.Atoi(found[1])
		*s = Span(time.Duration(n) * 24 * time.Hour)
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no time span, such as 90d or 12h", text)
	}
	*s = Span(d)
	return nil
}
