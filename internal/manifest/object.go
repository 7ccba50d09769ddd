package manifest

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/hooks"
)

// flatten yields the items of a list in its stead, and of lists in it. A
// document of another kind it yields as it is.
func flatten(d Document) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		items, isList := listItems(d.Value)
		if !isList {
			yield(d, nil)
			return
		}
		n, err := nodes(d.chunk.text)
		if err != nil {
			n = &yaml.Node{} // JSON that isn't quite YAML: the items have no lines of their own
		}
		flattenTo(d, items, n, yield)
	}
}

// flattenTo yields the items of a list that stands at n. It says whether the
// loop goes on.
func flattenTo(list Document, items []any, n *yaml.Node, yield func(Document, error) bool) bool {
	_, n = child(n, "items")
	for i, item := range items {
		index := strconv.Itoa(i)
		d := Document{Origin: list.Origin, chunk: list.chunk, path: append(slices.Clone(list.path), "items", index)}
		line, at := child(n, index)
		if at != nil {
			d.Origin = d.chunk.origin(line)
		}
		if !flattenItem(list, d, item, at, yield) {
			return false
		}
	}
	return true
}

func flattenItem(list, d Document, item any, n *yaml.Node, yield func(Document, error) bool) bool {
	value, isMap := item.(map[string]any)
	if !isMap {
		return yield(d, &Error{Origin: d.Origin, What: "an item of the " + list.Kind() + " is not an object", Do: "remove or correct it"})
	}
	d.Value = inherit(list, value)
	if items, isList := listItems(d.Value); isList {
		return flattenTo(d, items, n, yield)
	}
	return yield(d, nil)
}

// listItems are the items of a list: a document whose kind ends in List, with
// a field items that is a list, or none at all in a plain List. A custom kind
// may be called SomethingList and be no list; it has no items.
func listItems(v map[string]any) ([]any, bool) {
	kind := text(v["kind"])
	items, has := v["items"]
	list, isList := items.([]any)
	switch {
	case kind == "List":
		return list, isList || items == nil
	case !strings.HasSuffix(kind, "List"):
		return nil, false
	}
	return list, has && (isList || items == nil)
}

// inherit gives an item of a typed list, such as a ConfigMapList, its type,
// which API servers leave out.
func inherit(list Document, item map[string]any) map[string]any {
	kind := strings.TrimSuffix(list.Kind(), "List")
	if kind != "" && item["kind"] == nil && item["apiVersion"] == nil {
		item["kind"], item["apiVersion"] = kind, list.APIVersion()
	}
	return item
}

// Check says whether a document is a Kubernetes object.
func (d Document) Check() error {
	fail := func(what, do string, path ...string) error {
		return &Error{Origin: d.At(path...), What: what, Do: do}
	}
	const leave = "complete it, or keep the file out of the folder"
	apiVersion, kind := d.APIVersion(), d.Kind()
	switch {
	case apiVersion == "" && kind == "":
		return fail("the document has no apiVersion and no kind, so it is no Kubernetes object", leave)
	case kind == "":
		return fail("the document has no kind", leave, "kind")
	case apiVersion == "":
		return fail("the "+kind+" has no apiVersion", leave, "apiVersion")
	case strings.Count(apiVersion, "/") > 1:
		return fail(fmt.Sprintf("the apiVersion %q is not GROUP/VERSION", apiVersion), "correct it", "apiVersion")
	}
	metadata, isMap := d.Value["metadata"].(map[string]any)
	if !isMap {
		return fail("the "+kind+" has no metadata", "give it metadata.name", "metadata")
	}
	name, isText := metadata["name"].(string)
	switch {
	case metadata["name"] != nil && !isText:
		return fail(fmt.Sprintf("metadata.name of the %s is %v, not text", kind, metadata["name"]), "quote it", "metadata", "name")
	case name != "":
		return nil
	case metadata["generateName"] != nil && hooks.Nameless(d.Object()):
		return nil
	case metadata["generateName"] != nil:
		return fail("the "+kind+" has generateName but no name, so each apply would make another one", "give it metadata.name", "metadata", "generateName")
	}
	return fail("the "+kind+" has no name", "give it metadata.name", "metadata", "name")
}
