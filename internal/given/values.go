package given

import (
	"encoding/base64"
	"fmt"
	"slices"

	"plumb.dev/plumb/internal/object"
)

// The bounds of what one App is given. The API server lets no object be larger
// than MaxBytes by much.
const (
	MaxObjects = 64
	MaxBytes   = 1 << 20 // of one object
)

// Values is what an App is given. The zero Values is nothing.
type Values []Object

// Object is what was asked for of one ConfigMap or Secret.
type Object struct {
	Kind, Name string
	// Version is the object's resource version; empty where there is none.
	Version string
	Data    map[string][]byte `json:",omitempty"`
}

// Find is what was taken of an object. It says false where there is none.
func (v Values) Find(kind, name string) (Object, bool) {
	i := slices.IndexFunc(v, func(o Object) bool { return o.Kind == kind && o.Name == name })
	if i < 0 || v[i].Version == "" {
		return Object{}, false
	}
	return v[i], true
}

// Take takes over what is asked for of a live object; nil is one that isn't there.
func Take(key object.Key, live map[string]any, asks []Ask) (Object, error) {
	o := Object{Kind: key.Kind, Name: key.Name, Data: map[string][]byte{}}
	if live == nil {
		return o, nil
	}
	metadata, _ := live["metadata"].(map[string]any)
	o.Version, _ = metadata["resourceVersion"].(string)
	size := 0
	take := func(field string, decode bool) error {
		entries, _ := live[field].(map[string]any)
		for name, value := range entries {
			text, isText := value.(string)
			if !isText || !wanted(asks, key, name) {
				continue
			}
			content := []byte(text)
			if decode {
				var err error
				if content, err = base64.StdEncoding.DecodeString(text); err != nil {
					return fmt.Errorf("%s: the key %s of it is not valid base64", key, name)
				}
			}
			if size += len(content); size > MaxBytes {
				return fmt.Errorf("%s: has more than %d bytes of values; split it", key, MaxBytes)
			}
			o.Data[name] = content
		}
		return nil
	}
	if key.Kind == Secret {
		return o, take("data", true)
	}
	if err := take("data", false); err != nil {
		return o, err
	}
	return o, take("binaryData", true)
}

func wanted(asks []Ask, key object.Key, entry string) bool {
	return slices.ContainsFunc(asks, func(a Ask) bool { return a.Key == key && (a.Entry == "" || a.Entry == entry) })
}

// Missing says what an App asks for and isn't there.
func (v Values) Missing(asks []Ask) error {
	for _, a := range asks {
		if a.Optional {
			continue
		}
		o, found := v.Find(a.Key.Kind, a.Key.Name)
		if !found {
			return fmt.Errorf("%s: there is no %s %s in the namespace %s; make it, or say optional: true", a.Field, a.Key.Kind, a.Key.Name, a.Key.Namespace)
		}
		if _, has := o.Data[a.Entry]; !has && a.Entry != "" {
			return fmt.Errorf("%s: the %s %s in the namespace %s has no key %s; name one that it has with key, or say optional: true",
				a.Field, a.Key.Kind, a.Key.Name, a.Key.Namespace, a.Entry)
		}
	}
	return nil
}
