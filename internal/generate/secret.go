package generate

import (
	"io"
	"time"

	"plumb.dev/plumb/internal/object"
)

// Held is what a live Secret holds; the zero Held is nothing.
type Held struct {
	data map[string]string // base64, by key
	made string            // when its values were made
	due  string            // since when those who use it are to be restarted
}

// HeldBy reads a live Secret, or nil.
func HeldBy(live map[string]any) Held {
	h := Held{data: map[string]string{}}
	data, _ := live["data"].(map[string]any)
	for key, value := range data {
		h.data[key], _ = value.(string)
	}
	metadata, _ := live["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	h.made, _ = annotations[object.AnnotationGenerated].(string)
	h.due, _ = annotations[object.AnnotationRestartDue].(string)
	return h
}

// Filler puts generated values into a Secret that is about to be applied.
type Filler struct {
	Held  Held
	Renew bool // make all values anew
	Now   time.Time
	// Random is where values come from; without it stand-ins are put in, for
	// what is only tried.
	Random io.Reader
}

// Fill adds the values that a Secret asks for to its data, and when they were
// made. That workloads are to be restarted for new ones comes in the same write,
// and stays until they are: whoever is killed between the two is made up for.
func (f Filler) Fill(secret map[string]any) error {
	metadata, _ := secret["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[object.AnnotationGenerate].(string)
	declared, _ := secret["data"].(map[string]any)
	spec, err := Parse(text, declared)
	if err != nil {
		return err
	}
	filled := spec.Try(f.Held.data, f.Renew)
	if f.Random != nil {
		if filled, err = spec.Fill(f.Random, f.Held.data, f.Renew); err != nil {
			return err
		}
	}
	data := make(map[string]any, len(declared)+len(filled.Data))
	for key, value := range declared {
		data[key] = value
	}
	for key, value := range filled.Data {
		data[key] = value
	}
	secret["data"] = data
	annotations[object.AnnotationGenerated] = f.Held.made
	if f.Held.made == "" || f.Renew {
		annotations[object.AnnotationGenerated] = f.Now.UTC().Format(time.RFC3339)
	}
	delete(annotations, object.AnnotationRestartDue) // which isn't Git's to say
	if due := f.due(annotations); due != "" {
		annotations[object.AnnotationRestartDue] = due
	}
	return nil
}

// due is since when workloads are to be restarted; empty where none are.
func (f Filler) due(annotations map[string]any) string {
	asked, _ := annotations[object.AnnotationRestart].(string)
	if restart, err := ParseRestart(asked); f.Renew && err == nil && restart.Any() {
		return RestartMark(f.Now)
	}
	return f.Held.due
}

// KeysOf are the keys of a declared Secret that are generated; none where it asks
// for none, or wrongly.
func KeysOf(secret map[string]any) []string {
	metadata, _ := secret["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, asked := annotations[object.AnnotationGenerate].(string)
	if !asked {
		return nil
	}
	spec, err := Parse(text, nil)
	if err != nil {
		return nil
	}
	return spec.Keys()
}

// Check says what is wrong with what a Secret asks for.
func Check(annotations map[string]string, declared map[string]any) error {
	if text, asked := annotations[object.AnnotationGenerate]; asked {
		if _, err := Parse(text, declared); err != nil {
			return err
		}
	}
	if text, asked := annotations[object.AnnotationRotate]; asked {
		if _, err := ParsePeriod(text); err != nil {
			return err
		}
	}
	_, err := ParseRestart(annotations[object.AnnotationRestart])
	return err
}
