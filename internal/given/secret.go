package given

import (
	"slices"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// shortNumber is how many digits a number may have and be no secret: it would
// be found everywhere.
const shortNumber = 5

// Confidential says whether any of it came from a Secret.
func (v Values) Confidential() bool {
	return slices.ContainsFunc(v, func(o Object) bool { return o.Kind == Secret && len(o.Data) > 0 })
}

// Secrets are the texts that must not be shown: what came from Secrets, and of
// files of values in them each value alone.
func (v Values) Secrets() []string {
	var found []string
	for _, o := range v {
		if o.Kind != Secret {
			continue
		}
		for _, content := range o.Data {
			found = append(found, secretsIn(content)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// secretsIn are the secret texts of one entry. One that isn't a mapping or list
// is secret as it stands.
func secretsIn(content []byte) []string {
	var document goyaml.Node
	if err := goyaml.Unmarshal(content, &document); err != nil || len(document.Content) == 0 || document.Content[0].Kind == goyaml.ScalarNode {
		return []string{string(content)}
	}
	var found []string
	var visit func(n *goyaml.Node)
	visit = func(n *goyaml.Node) {
		switch n.Kind {
		case goyaml.ScalarNode:
			if n.Tag == "!!str" || n.Tag == "!!binary" || len(n.Value) > shortNumber && (n.Tag == "!!int" || n.Tag == "!!float") {
				found = append(found, n.Value)
			}
		case goyaml.MappingNode:
			for i := 1; i < len(n.Content); i += 2 {
				visit(n.Content[i])
			}
		case goyaml.DocumentNode, goyaml.SequenceNode:
			for _, below := range n.Content {
				visit(below)
			}
		} // an alias stands for what is visited where it is
	}
	visit(&document)
	return found
}
