package sealed

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// expand puts values into the templates, and adds what comes out to them.
//
// The controller has all of Go's templates. Here a template is text with
// {{ .key }} or {{ index . "key" }} in it, each perhaps followed by functions
// that change it a little: a loop or a variable could take any time and memory.
func (s sealed) expand(values map[string]string) error {
	made := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(s.texts)) {
		text, err := expand(s.texts[key], values)
		if err != nil {
			return fmt.Errorf("spec.template.data.%s: %w", key, err)
		}
		made[key] = text
	}
	maps.Copy(values, made)
	return nil
}

// functions are those that a template may use.
func functions() map[string]func(string) (string, error) {
	plain := func(f func(string) string) func(string) (string, error) {
		return func(s string) (string, error) { return f(s), nil }
	}
	return map[string]func(string) (string, error){
		"b64enc": plain(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"b64dec": func(s string) (string, error) {
			plain, err := base64.StdEncoding.DecodeString(s)
			return string(plain), err
		},
		"quote": plain(strconv.Quote),
		"trim":  plain(strings.TrimSpace),
		"upper": plain(strings.ToUpper),
		"lower": plain(strings.ToLower),
	}
}

// Each step of a pipeline makes at most some times as much of a value.
const maxSteps = 4

func expand(text string, values map[string]string) (string, error) {
	known := map[string]any{"index": true}
	for name := range functions() {
		known[name] = true
	}
	tree, err := parse.Parse("template", text, "", "", known)
	if err != nil {
		return "", errTemplate("is no template that can be read here")
	}
	var out strings.Builder
	if tree["template"].Root == nil {
		return "", nil
	}
	for _, node := range tree["template"].Root.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			out.Write(n.Text)
		case *parse.CommentNode:
		case *parse.ActionNode:
			value, err := evaluate(n.Pipe, values)
			if err != nil {
				return "", err
			}
			out.WriteString(value)
		default:
			return "", errTemplate("uses more than values and text")
		}
	}
	return out.String(), nil
}

func errTemplate(what string) error {
	return fmt.Errorf("the template %s: only {{ .key }} and {{ index . \"key\" }} are, with b64enc, b64dec, quote, trim, upper and lower behind a |; "+
		"take the key away, and the controller can open it", what)
}

// evaluate is what a pipeline comes to.
func evaluate(pipe *parse.PipeNode, values map[string]string) (string, error) {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) == 0 || len(pipe.Cmds) > 1+maxSteps {
		return "", errTemplate("uses variables, or too many functions")
	}
	value, err := valueOf(pipe.Cmds[0], values)
	if err != nil {
		return "", err
	}
	for _, command := range pipe.Cmds[1:] {
		name, isName := command.Args[0].(*parse.IdentifierNode)
		if !isName || len(command.Args) > 1 {
			return "", errTemplate("uses what isn't known here")
		}
		change, known := functions()[name.Ident]
		if !known {
			return "", errTemplate("uses " + name.Ident)
		}
		if value, err = change(value); err != nil {
			return "", errTemplate("decodes what is no base64")
		}
	}
	return value, nil
}

// valueOf is the value that a command names: .key, index . "key", or a function
// of .key.
func valueOf(command *parse.CommandNode, values map[string]string) (string, error) {
	key, change := "", func(s string) (string, error) { return s, nil }
	switch first := command.Args[0].(type) {
	case *parse.FieldNode:
		if len(first.Ident) == 1 && len(command.Args) == 1 {
			key = first.Ident[0]
		}
	case *parse.IdentifierNode:
		if first.Ident == "index" && len(command.Args) == 3 && command.Args[1].Type() == parse.NodeDot {
			if name, isText := command.Args[2].(*parse.StringNode); isText {
				key = name.Text
			}
		}
		if f, known := functions()[first.Ident]; known && len(command.Args) == 2 {
			if field, isField := command.Args[1].(*parse.FieldNode); isField && len(field.Ident) == 1 {
				key, change = field.Ident[0], f
			}
		}
	}
	value, there := values[key]
	switch {
	case key == "":
		return "", errTemplate("uses what isn't known here")
	case !there:
		return "", fmt.Errorf("the template names %s, which isn't among encryptedData", key)
	}
	changed, err := change(value)
	if err != nil {
		return "", errTemplate("decodes what is no base64")
	}
	return changed, nil
}
