package v1alpha1

import (
	"fmt"
	"strings"
)

// replaceable are the kinds that an App may list in sync.replace: they hold
// nothing that isn't in Git, or leave it behind when they are deleted.
var replaceable = map[string]bool{
	"apps/Deployment": true, "apps/DaemonSet": true, "apps/StatefulSet": true, "apps/ReplicaSet": true,
	"batch/Job": true, "batch/CronJob": true, "/Pod": true, "/ReplicationController": true,
	"/Service": true, "/ConfigMap": true, "/Secret": true, "/ServiceAccount": true, "networking.k8s.io/Ingress": true,
	"networking.k8s.io/IngressClass": true, "networking.k8s.io/NetworkPolicy": true, "policy/PodDisruptionBudget": true,
	"rbac.authorization.k8s.io/RoleBinding": true, "rbac.authorization.k8s.io/ClusterRoleBinding": true,
	"storage.k8s.io/StorageClass": true, "storage.k8s.io/CSIDriver": true, "scheduling.k8s.io/PriorityClass": true,
	"node.k8s.io/RuntimeClass": true, "autoscaling/HorizontalPodAutoscaler": true,
}

// neverReplaced are the kinds whose objects nobody can allow to be replaced, and why.
var neverReplaced = map[string]string{
	"/PersistentVolumeClaim": "it holds data, which would go with it",
	"/PersistentVolume":      "it holds data, which may go with it",
	"/Namespace":             "all that is in it would go with it",
	"apiextensions.k8s.io/CustomResourceDefinition": "all objects of its kind would go with it",
	"snapshot.storage.k8s.io/VolumeSnapshot":        "it holds data, which would go with it",
	"snapshot.storage.k8s.io/VolumeSnapshotContent": "it holds data, which may go with it",
}

// Replaceable says whether objects of a kind are known to hold nothing that is
// lost when they are deleted and made anew.
func Replaceable(group, kind string) bool { return replaceable[group+"/"+kind] }

// NeverReplaced says why objects of a kind are never deleted and made anew;
// empty where they may be.
func NeverReplaced(group, kind string) string { return neverReplaced[group+"/"+kind] }

// validateReplace checks a list of kinds to be replaced.
func validateReplace(s *sink, kinds []string) {
	for i, written := range kinds {
		field := fmt.Sprintf("spec.sync.replace[%d]", i)
		kind, group, grouped := strings.Cut(written, ".")
		names := func(known string) bool {
			of, named, _ := strings.Cut(known, "/")
			return named == kind && (!grouped || of == group)
		}
		if !namedIn(replaceable, names) {
			what, do := whyNotReplaced(kind, names)
			s.add(field, fmt.Sprintf("%q is never replaced, %s", written, what), do)
		}
	}
}

func whyNotReplaced(kind string, names func(known string) bool) (what, do string) {
	for known, why := range neverReplaced {
		if names(known) {
			return "as " + why, "remove it"
		}
	}
	return "as nobody knows whether a " + kind + " holds data", "put the annotation plumb.dev/replace: allowed on the one object instead"
}

func namedIn(kinds map[string]bool, names func(known string) bool) bool {
	for known := range kinds {
		if names(known) {
			return true
		}
	}
	return false
}
