package gate

import (
	"fmt"
	"strings"
	"time"
)

// The bounds of how long a pause may be.
const (
	MinPause = time.Minute
	MaxPause = 30 * 24 * time.Hour
)

// ParseLength reads how long a pause is to be: as 30m, 1h30m, 2d or 1d12h; a
// day has 24 hours. It is from MinPause to MaxPause.
func ParseLength(text string) (time.Duration, error) {
	const write = "write it like 30m, 1h or 2d"
	var length time.Duration
	rest := strings.TrimSpace(text)
	if days, after, found := strings.Cut(rest, "d"); found {
		n := 0
		for _, digit := range days {
			if digit < '0' || digit > '9' || n > 1000 {
				return 0, fmt.Errorf("%q is not a length of time; %s", text, write)
			}
			n = 10*n + int(digit-'0')
		}
		if days == "" {
			return 0, fmt.Errorf("%q is not a length of time; %s", text, write)
		}
		length, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest != "" || length == 0 {
		clock, err := time.ParseDuration(rest)
		if err != nil || clock < 0 {
			return 0, fmt.Errorf("%q is not a length of time; %s", text, write)
		}
		length += clock
	}
	switch {
	case length < MinPause:
		return 0, fmt.Errorf("%s is too short for a pause; give at least 1m", text)
	case length > MaxPause:
		return 0, fmt.Errorf("%s is too long for a pause; give at most 30d", text)
	}
	return length, nil
}
