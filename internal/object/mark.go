package object

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Domain is what the names of all our labels and annotations begin with.
const Domain = "plumb.dev"

// The marks that every managed object carries.
const (
	// LabelApp names the owning App; see AppLabel.
	LabelApp = "plumb.dev/app"
	// LabelRecordOf names the App, as LabelApp does, that a record for Helm is of.
	// Such a record is none of the App's objects.
	LabelRecordOf = "plumb.dev/record-of"
	// AnnotationID is the object's own Key.ID. A controller that copies labels
	// and annotations to another object copies it too, and so shows that the
	// copy isn't ours.
	AnnotationID = "plumb.dev/id"
	// AnnotationOrigin is the file that declares the object.
	AnnotationOrigin = "plumb.dev/origin"
	// AnnotationRevision is the commit that last changed the object.
	AnnotationRevision = "plumb.dev/revision"
	// AnnotationDigest is the digest of what was declared, without these marks
	// but with the origin.
	AnnotationDigest = "plumb.dev/digest"
	// AnnotationRoot names the root that declares the App. What it declared
	// once and doesn't any more can be found by it.
	AnnotationRoot = "plumb.dev/root"
	// AnnotationPrune, set to "never", keeps an object that is no longer declared.
	AnnotationPrune = "plumb.dev/prune"
	// AnnotationSensitive marks fields of the object that are never shown: JSON
	// pointers, with commas between them.
	AnnotationSensitive = "plumb.dev/sensitive"
	// PruneNever is the value of AnnotationPrune that keeps the object.
	PruneNever = "never"
	// AnnotationAdopt, set to "true", takes the object over from another tool.
	AnnotationAdopt = "plumb.dev/adopt"
	// AnnotationReplace, set to ReplaceAllowed, lets the object be deleted and
	// made anew where a field that can't be changed has to change.
	AnnotationReplace = "plumb.dev/replace"
	// ReplaceAllowed is the value of AnnotationReplace that allows it.
	ReplaceAllowed = "allowed"
	// AnnotationGenerate says of a Secret which keys are generated in the cluster;
	// AnnotationRotate, after what time they are made anew; AnnotationRestart,
	// which workloads are restarted then.
	AnnotationGenerate = "plumb.dev/generate"
	AnnotationRotate   = "plumb.dev/rotate"
	AnnotationRestart  = "plumb.dev/restart"
	// AnnotationGenerated is when the keys were generated last.
	AnnotationGenerated = "plumb.dev/generated"
	// AnnotationRestartDue is since when the workloads are to be restarted; it
	// comes with the new values, and goes when all of them are.
	AnnotationRestartDue = "plumb.dev/restart-due"
)

// FieldManager is the field manager of every write of ours.
const FieldManager = "plumb"

// maxLabelValue is Kubernetes' limit for the value of a label.
const maxLabelValue = 63

// AppLabel is the value of LabelApp for an App's ID: NAMESPACE.NAME. A
// namespace has no dots, so the first dot parts the two. What exceeds a
// label's limit is cut and ended by a hash, behind an underscore, which no name
// holds.
func AppLabel(id string) string {
	label := strings.Replace(id, "/", ".", 1)
	if len(label) <= maxLabelValue {
		return label
	}
	sum := sha256.Sum256([]byte(id))
	const hash = 8
	return strings.TrimRight(label[:maxLabelValue-hash-1], "-._") + "_" + hex.EncodeToString(sum[:hash/2])
}

// AppOf is the ID of the App with a label; of a label that was cut, as near as can be told.
func AppOf(label string) string { return strings.Replace(label, ".", "/", 1) }
