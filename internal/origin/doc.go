// Package origin finds where in an App's files a field of an object comes from:
// the manifest that declares it, or, of a kustomization, the patch, image,
// replica count, label, annotation or generator that gave it its value. It also
// writes another value there.
//
// It reads files and renders nothing. So it can't know for certain what a
// renderer made of them, and doesn't guess: a place counts when the value that
// stands there is the value that the field has. Where none does, the best that
// is known is the manifest, and it says that it is no more than that.
//
// Who edits what it found has to render the result and see whether it is what
// was meant.
package origin
