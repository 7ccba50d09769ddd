package helmrecord

import (
	"fmt"
	"path"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// chartAt is the chart in a folder of a tree.
func chartAt(files tree.Reader, folder string) (Chart, error) {
	var c Chart
	at := path.Join(folder, render.ChartFile)
	content, err := files.ReadFile(at)
	if err == nil {
		err = yaml.Unmarshal(content, &c)
	}
	if err != nil {
		return c, fmt.Errorf("the chart in %s can't be told: %w", at, err)
	}
	return c, nil
}

// declared are an App's objects without the marks that are ours.
func declared(desired []plan.Desired) ([]object.Object, error) {
	objects := make([]object.Object, len(desired))
	for i, d := range desired {
		o := object.Object{Unstructured: &unstructured.Unstructured{}, Origin: d.Origin}
		if err := o.UnmarshalJSON(d.Body); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Key, err)
		}
		o.Object = plan.WithoutMarks(o.Object)
		objects[i] = o
	}
	return objects, nil
}
