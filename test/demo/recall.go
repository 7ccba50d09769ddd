package main

import "regexp"

// hash is what names a commit or a plan, in short or whole.
var hash = regexp.MustCompile(`\b(?:[0-9a-f]{8}|[0-9a-f]{12}|[0-9a-f]{40}|[0-9a-f]{64})\b`)

// recall knows the hashes that a page shows, and what they are in this run. So a page may show `plumb approve web 0123456789ab`, with the hash
// that it showed a few lines before, and the tour gives the command with that of its own plan.
type recall struct {
	now    map[string]string // by what the page shows
	newest map[int]string    // what was printed last, by length
}

// learn takes in what the page shows as the output of a command, and what the command printed.
func (r *recall) learn(shown, printed []string) {
	if r.now == nil {
		r.now, r.newest = map[string]string{}, map[int]string{}
	}
	was, is := hashes(shown), hashes(printed)
	for i, h := range is {
		if len(was) == len(is) && len(was[i]) == len(h) {
			r.now[was[i]] = h
		}
		r.newest[len(h)] = h
	}
}

func hashes(lines []string) (found []string) {
	for _, line := range lines {
		found = append(found, hash.FindAllString(line, -1)...)
	}
	return found
}

// in is a command with the hashes of this run. For one that the page has not shown before, as in a page that is being written, guess takes the
// one of its length that was printed last.
func (r *recall) in(command string, guess bool) string {
	return hash.ReplaceAllStringFunc(command, func(h string) string {
		if is, known := r.now[h]; known {
			return is
		}
		if is, printed := r.newest[len(h)]; printed && guess {
			return is
		}
		return h
	})
}
