package kustomize

//lint:file-ignore SA1019 it is about the old fields

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// outdated are the fields of a kustomization that kustomize goes on to read, but
// will not for ever, with what stands for each.
func outdated(k types.Kustomization) (fields [][2]string) {
	for _, f := range []struct {
		used      bool
		name, now string
	}{
		{k.Bases != nil, "bases", "resources"},
		{k.CommonLabels != nil, "commonLabels", "labels"},
		{k.ImageTags != nil, "imageTags", "images"},
		{k.PatchesJson6902 != nil, "patchesJson6902", "patches"},
		{k.PatchesStrategicMerge != nil, "patchesStrategicMerge", "patches"},
		{k.Vars != nil, "vars", "replacements"},
	} {
		if f.used {
			fields = append(fields, [2]string{f.name, f.now})
		}
	}
	return fields
}

// mostWarned bounds how many outdated fields are told of one build.
const mostWarned = 50

// warn tells of outdated fields, once for each file. Those of a remote base are
// for others to mend.
func (v *vetting) warn(k types.Kustomization) {
	if _, again := v.build.read[v.at]; again || v.depth > 0 {
		return
	}
	for _, field := range outdated(k) {
		if v.build.warned++; v.build.warned > mostWarned {
			return
		}
		v.build.notice(fmt.Sprintf("%s: %s is outdated, and a later kustomize will refuse it: use %s; `kustomize edit fix` rewrites it",
			v.origin(field[:1]), field[0], field[1]))
	}
}

// unused is how the library says that variables are declared for nothing.
const unused = "well-defined vars that were never replaced: "

// logged takes what the library writes to its log, of which it says no more than
// this that people should know.
func (b *build) logged(message string) {
	if names, is := strings.CutPrefix(logStamp.ReplaceAllString(message, ""), unused); is {
		b.notice(fmt.Sprintf("%s: no object has a place for the vars %s", shown(b.top), strings.ReplaceAll(names, ",", ", ")))
	}
}
