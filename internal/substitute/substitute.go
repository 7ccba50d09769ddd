package substitute

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Substitution replaces names by values in the objects of one render. It is
// used by one goroutine at a time.
type Substitution struct {
	// Values are by name. What isn't a name is never asked for.
	Values map[string]string
	// Lenient leaves a name as it stands that has neither value nor default.
	// Else it is an error.
	Lenient bool
	// MaxBytes bounds all that is put together; 0 is no bound.
	MaxBytes int

	spent int
}

// The ways of leaving an object alone.
const (
	Annotation     = "plumb.dev/substitute"
	FluxAnnotation = "kustomize.toolkit.fluxcd.io/substitute"
	disabled       = "disabled"
)

// ErrTooLarge is that what was put together is larger than it may be.
var ErrTooLarge = errors.New("what is substituted makes the objects larger than they may be")

// maxTold bounds how much is told of one object.
const maxTold = 5

// Apply replaces what is in an object, in place. Notices are what people should
// know of it. After an error the object is not to be used.
func (s *Substitution) Apply(o map[string]any) (notices []string, err error) {
	if !mentioned(o) || leftAlone(o) {
		return nil, nil
	}
	p := pass{substitution: s, object: o}
	p.apiVersion, _ = o["apiVersion"].(string)
	p.kind, _ = o["kind"].(string)
	p.mapping(o)
	if p.failed != nil {
		return nil, p.failed
	}
	return told(p.notices), joined(p.errs)
}

// mentioned says whether any text in a value has the beginning of an expression.
func mentioned(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "${")
	case []any:
		return slices.ContainsFunc(v, mentioned)
	case map[string]any:
		for k, item := range v {
			if strings.Contains(k, "${") || mentioned(item) {
				return true
			}
		}
	}
	return false
}

func leftAlone(o map[string]any) bool {
	metadata, _ := o["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	return annotations[Annotation] == disabled || annotations[FluxAnnotation] == disabled || labels[FluxAnnotation] == disabled
}

// pass is the way through one object.
type pass struct {
	substitution     *Substitution
	object           map[string]any
	apiVersion, kind string
	path             []string
	errs             []error
	notices          []string
	failed           error // it is too large
}

func (p *pass) value(v any) any {
	switch v := v.(type) {
	case string:
		return p.text(v)
	case []any:
		for i, item := range v {
			p.path = append(p.path, strconv.Itoa(i))
			v[i] = p.value(item)
			p.path = p.path[:len(p.path)-1]
		}
	case map[string]any:
		p.mapping(v)
	}
	return v
}

// mapping replaces what is in values and in keys. It goes by the keys' order,
// so that the same is told each time.
func (p *pass) mapping(m map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p.path = append(p.path, k)
		item := p.value(m[k])
		key := k
		if strings.Contains(k, "${") {
			key, _ = p.expand(k)
		}
		p.path = p.path[:len(p.path)-1]
		if key == k {
			m[k] = item
			continue
		}
		if _, twice := m[key]; twice {
			p.fail("%s becomes a key that is there already", k)
			continue
		}
		delete(m, k)
		m[key] = item
	}
}

// text is a text with its expressions replaced, as its field takes it.
func (p *pass) text(s string) any {
	if !strings.Contains(s, "${") {
		return s
	}
	out, expressions := p.expand(s)
	if expressions == 0 || out == s || p.inData() {
		return out
	}
	if expressions > 1 {
		out, _ = unquoted(out) // ${quote}${NAME}${quote}, as people write for Flux
		return out
	}
	return typed(out, typeOf(p.apiVersion, p.kind, p.path))
}

// expand is a text with its expressions replaced, and how many there were if
// there was nothing else.
func (p *pass) expand(s string) (out string, expressions int) {
	var b strings.Builder
	only := true
	for _, piece := range parse(s) {
		if piece.expression == nil {
			only = false
			p.write(&b, piece.words)
			continue
		}
		expressions++
		p.write(&b, p.evaluate(*piece.expression))
	}
	if !only {
		expressions = 0
	}
	return b.String(), expressions
}

// write puts something in, within the bound.
func (p *pass) write(b *strings.Builder, words string) {
	p.substitution.spent += len(words)
	if most := p.substitution.MaxBytes; most > 0 && p.substitution.spent > most {
		p.failed = fmt.Errorf("%w: %d bytes", ErrTooLarge, most)
	}
	if p.failed == nil {
		b.WriteString(words)
	}
}

// evaluate is what takes an expression's place.
func (p *pass) evaluate(e expression) string {
	value, has := p.substitution.Values[e.name]
	switch {
	case e.foreign && p.inData():
		if has {
			p.notice("%s is left as it stands: Plumb knows no such form of a name that has a value", e.shown())
		}
		return e.source
	case e.foreign && (has || !p.substitution.Lenient):
		p.fail("%s is a form that isn't known: there are ${NAME} and ${NAME:=DEFAULT}; write $%s to have it as it stands", e.shown(), e.shown())
		return e.source
	case e.foreign:
		return e.source
	case !has && p.inData():
		if e.operator == ":=" {
			p.notice("%s is left as it stands, default and all, since %s has no value and this is data; give it one if it isn't a script's", e.shown(), e.name)
		}
		return e.source
	case e.operator == "" && has:
		return value
	case e.operator == "" && p.substitution.Lenient:
		return e.source
	case e.operator == "":
		p.fail("there is no value for %s; give it in spec.render.substitute, or write $%s to have it as it stands", e.shown(), e.shown())
		return e.source
	case value != "":
		return value
	}
	out, _ := p.expand(e.fallback)
	return out
}

// inData says whether this is content of a ConfigMap or Secret.
func (p *pass) inData() bool {
	return p.apiVersion == "v1" && (p.kind == "ConfigMap" || p.kind == "Secret") && len(p.path) > 1 &&
		(p.path[0] == "data" || p.path[0] == "stringData" || p.path[0] == "binaryData")
}

func (p *pass) fail(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %w", p.at(), fmt.Errorf(format, args...)))
}

func (p *pass) notice(format string, args ...any) {
	p.notices = append(p.notices, p.at()+": "+fmt.Sprintf(format, args...))
}

// at is the path for people.
func (p *pass) at() string {
	var b strings.Builder
	for _, step := range p.path {
		switch _, err := strconv.Atoi(step); {
		case err == nil:
			b.WriteString("[" + step + "]")
		case b.Len() > 0:
			b.WriteString("." + step)
		default:
			b.WriteString(step)
		}
	}
	return b.String()
}

func told(notices []string) []string {
	if more := len(notices) - maxTold; more > 0 {
		return append(notices[:maxTold:maxTold], fmt.Sprintf("and %d more like it", more))
	}
	return notices
}

func joined(errs []error) error {
	if more := len(errs) - maxTold; more > 0 {
		errs = append(errs[:maxTold:maxTold], fmt.Errorf("and %d more like it", more))
	}
	return errors.Join(errs...)
}
