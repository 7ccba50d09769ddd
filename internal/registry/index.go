package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// entry is one version of a chart in an index.
type entry struct {
	Version string   `yaml:"version" json:"version"`
	URLs    []string `yaml:"urls" json:"urls"`
	Digest  string   `yaml:"digest" json:"digest"`
	Created string   `yaml:"created" json:"created"`
}

// created is when the version was put into the index; zero where that isn't told.
func (e entry) created() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, e.Created)
	return t
}

// The bounds of an index. The largest that are public have some tens of
// thousands of versions.
const (
	maxVersions = 10_000   // of one chart
	maxEntry    = 1 << 20  // bytes of one version
	maxLoose    = 4 << 20  // bytes of an index that isn't written line by line
	maxIndex    = 64 << 20 // bytes of an index
)

// index is the charts of an index that someone asked for.
type index map[string][]entry

// parseIndex reads what an index holds of some charts. An index may have tens
// of megabytes, of which a chart's are a thousandth: it is cut into charts by
// its lines, as all tools write it, and only those that are wanted are parsed.
func parseIndex(content []byte, wanted map[string]bool) (index, error) {
	if start := bytes.TrimLeft(content, " \t\r\n\ufeff"); len(start) > 0 && start[0] == '{' {
		return parseJSON(start, wanted)
	}
	found, err := parseLines(content, wanted)
	if !errors.Is(err, errLoose) {
		return found, err
	}
	if len(content) > maxLoose {
		return nil, fmt.Errorf("%w: its index is written in an unusual form, which is read up to %d bytes: write it with helm repo index", ErrTooLarge, maxLoose)
	}
	var whole struct {
		Entries index `yaml:"entries"`
	}
	if err := yaml.Unmarshal(content, &whole); err != nil {
		return nil, noIndex(err)
	}
	if whole.Entries == nil {
		return nil, noIndex(errors.New("it has no entries"))
	}
	for name, versions := range whole.Entries {
		if !wanted[name] {
			delete(whole.Entries, name)
		} else if len(versions) > maxVersions {
			return nil, tooMany(name)
		}
	}
	return whole.Entries, nil
}

func noIndex(err error) error {
	return fmt.Errorf("%w: its index.yaml is no index of charts: %.200s", ErrDamaged, err.Error())
}

func tooMany(chart string) error {
	return fmt.Errorf("%w: its index has more than %d versions of %s", ErrTooLarge, maxVersions, chart)
}

// parseJSON reads an index that is written as JSON, one chart at a time.
func parseJSON(content []byte, wanted map[string]bool) (index, error) {
	found, has := index{}, false
	d := json.NewDecoder(bytes.NewReader(content))
	err := members(d, func(field string) error {
		if field != "entries" {
			return d.Decode(new(json.RawMessage))
		}
		has = true
		return members(d, func(chart string) error {
			if !wanted[chart] {
				return d.Decode(new(json.RawMessage))
			}
			var versions []entry
			if err := d.Decode(&versions); err != nil {
				return err
			}
			found[chart] = versions
			return nil
		})
	})
	if err == nil && !has {
		err = errors.New("it has no entries")
	}
	if err != nil {
		return nil, noIndex(err)
	}
	for chart, versions := range found {
		if len(versions) > maxVersions {
			return nil, tooMany(chart)
		}
	}
	return found, nil
}

// members goes through a JSON object; take has to take the value of each field.
func members(d *json.Decoder, take func(field string) error) error {
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.Join(err, errors.New("an object is missing"))
	}
	for d.More() {
		field, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := field.(string)
		if err := take(name); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// errLoose says that an index isn't written line by line.
var errLoose = errors.New("not line by line")

// parseLines cuts an index by its lines: entries at the left, charts further
// in, and versions of a chart each behind a dash.
func parseLines(content []byte, wanted map[string]bool) (index, error) {
	lines := lineReader{rest: content}
	for {
		line, ok := lines.next()
		if !ok {
			return nil, errLoose
		}
		if string(bytes.TrimRight(line, " \r\n")) == "entries:" {
			break
		}
	}
	c := cutter{wanted: wanted, found: index{}, depth: -1}
	for {
		line, ok := lines.next()
		if !ok {
			break
		}
		if text := bytes.TrimLeft(line, " "); len(text) == 0 || text[0] == '#' || text[0] == '\n' || text[0] == '\r' {
			if err := c.more(line); err != nil {
				return nil, err
			}
			continue
		}
		if over, err := c.line(line); err != nil || over {
			return c.result(err)
		}
	}
	return c.result(nil)
}

type lineReader struct{ rest []byte }

// next is the next line, with its end.
func (r *lineReader) next() ([]byte, bool) {
	if len(r.rest) == 0 {
		return nil, false
	}
	end := bytes.IndexByte(r.rest, '\n') + 1
	if end == 0 {
		end = len(r.rest)
	}
	line := r.rest[:end]
	r.rest = r.rest[end:]
	return line, true
}

// cutter takes the lines below entries.
type cutter struct {
	wanted map[string]bool
	found  index
	depth  int    // how far in charts are; -1 as long as none was seen
	chart  string // the wanted chart that the lines belong to, or empty
	item   []byte // the lines of one version
}

// line takes one line in. It is over where a line begins at the left.
func (c *cutter) line(line []byte) (over bool, err error) {
	text := bytes.TrimLeft(line, " ")
	in := len(line) - len(text)
	dash := text[0] == '-' && (len(text) == 1 || text[1] == ' ' || text[1] == '\n' || text[1] == '\r')
	switch {
	case text[0] == '\t', c.depth < 0 && (dash || in == 0):
		return false, errLoose
	case c.depth < 0:
		c.depth = in
	case in == 0 && c.depth > 0:
		return true, c.end()
	}
	switch {
	case in < c.depth:
		return false, errLoose
	case in == c.depth && !dash:
		return false, c.begin(text)
	case c.chart == "":
		return false, nil
	case dash && (in == c.depth || len(c.item) == 0 || in == indent(c.item)):
		if err := c.end(); err != nil {
			return false, err
		}
	}
	return false, c.more(line)
}

func indent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// begin takes the name of a chart.
func (c *cutter) begin(text []byte) error {
	if err := c.end(); err != nil {
		return err
	}
	key, rest, is := strings.Cut(strings.TrimRight(string(text), " \r\n"), ":")
	if !is || rest != "" && strings.TrimSpace(rest) != "[]" || strings.ContainsAny(key, "{}[]&*!|>%@`#") {
		return errLoose
	}
	c.chart = ""
	if name := strings.Trim(key, `"'`); c.wanted[name] {
		if _, twice := c.found[name]; twice {
			return noIndex(fmt.Errorf("%s is in it twice", name))
		}
		c.chart, c.found[name] = name, []entry{}
	}
	return nil
}

func (c *cutter) more(line []byte) error {
	if c.chart == "" || len(c.item) == 0 && len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	if c.item = append(c.item, line...); len(c.item) > maxEntry {
		return fmt.Errorf("%w: its index has more than %d bytes about one version of %s", ErrTooLarge, maxEntry, c.chart)
	}
	return nil
}

// end parses the version whose lines are complete.
func (c *cutter) end() error {
	if len(c.item) == 0 {
		return nil
	}
	var versions []entry
	if err := yaml.Unmarshal(c.item, &versions); err != nil {
		return errLoose // what can be read as a whole is; else that tells where it is wrong
	}
	c.item = c.item[:0]
	if c.found[c.chart] = append(c.found[c.chart], versions...); len(c.found[c.chart]) > maxVersions {
		return tooMany(c.chart)
	}
	return nil
}

func (c *cutter) result(err error) (index, error) {
	if err == nil {
		err = c.end()
	}
	if err != nil {
		return nil, err
	}
	return c.found, nil
}
