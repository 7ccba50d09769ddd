package server

import "plumb.dev/plumb/internal/object"

// hidden stands for a value of a Secret. It isn't base64, so a Secret that is
// shown can't be applied by mistake in place of the real one.
const hidden = "<hidden>"

// lastApplied is where kubectl keeps a copy of all that it applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// hideSecrets is an object's content, without the values where it is a Secret.
// stringData is shown as data, which is where the API server puts it.
func hideSecrets(o object.Object) manifest {
	if key := o.Key(); key.Group != "" || key.Kind != "Secret" {
		return o.Unstructured.Object
	}
	secret := o.DeepCopy()
	shown := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		values, ok := secret.Object[field].(map[string]any)
		if !ok && secret.Object[field] != nil {
			shown[hidden] = hidden // not even a map: nothing of it is shown
		}
		for key := range values {
			shown[key] = hidden
		}
		delete(secret.Object, field)
	}
	if len(shown) > 0 {
		secret.Object["data"] = shown
	}
	if annotations := secret.GetAnnotations(); annotations[lastApplied] != "" {
		annotations[lastApplied] = hidden
		secret.SetAnnotations(annotations)
	}
	return secret.Object
}
