package plan

import "plumb.dev/plumb/internal/object"

// Stage orders applying: everything of a lower stage before anything of a
// higher one. Pruning goes the other way.
type Stage int8

// The stages. Kinds that are not named below, custom resources among them,
// come with the workloads' followers, when what they rely on is there.
const (
	StageNamespace Stage = iota
	StageDefinition
	StageFoundation
	StageWorkload
	StageRest
	StageAdmission
	stages
)

// Stages is how many stages there are.
const Stages = int(stages)

// StageOf is the stage of a kind.
func StageOf(k object.Key) Stage {
	if stage, ok := stageOf[k.Group+"/"+k.Kind]; ok {
		return stage
	}
	return StageRest
}

// stageOf says when the kinds that others rely on are applied.
var stageOf = map[string]Stage{
	"/Namespace": StageNamespace,

	"apiextensions.k8s.io/CustomResourceDefinition": StageDefinition,

	"scheduling.k8s.io/PriorityClass":              StageFoundation,
	"storage.k8s.io/StorageClass":                  StageFoundation,
	"node.k8s.io/RuntimeClass":                     StageFoundation,
	"networking.k8s.io/IngressClass":               StageFoundation,
	"networking.k8s.io/NetworkPolicy":              StageFoundation,
	"/ResourceQuota":                               StageFoundation,
	"/LimitRange":                                  StageFoundation,
	"/ServiceAccount":                              StageFoundation,
	"/Secret":                                      StageFoundation,
	"/ConfigMap":                                   StageFoundation,
	"/PersistentVolume":                            StageFoundation,
	"/PersistentVolumeClaim":                       StageFoundation,
	"rbac.authorization.k8s.io/ClusterRole":        StageFoundation,
	"rbac.authorization.k8s.io/ClusterRoleBinding": StageFoundation,
	"rbac.authorization.k8s.io/Role":               StageFoundation,
	"rbac.authorization.k8s.io/RoleBinding":        StageFoundation,
	"/Service":                                     StageFoundation,

	"apps/Deployment":        StageWorkload,
	"apps/StatefulSet":       StageWorkload,
	"apps/DaemonSet":         StageWorkload,
	"apps/ReplicaSet":        StageWorkload,
	"/ReplicationController": StageWorkload,
	"/Pod":                   StageWorkload,
	"batch/Job":              StageWorkload,
	"batch/CronJob":          StageWorkload,

	"admissionregistration.k8s.io/MutatingWebhookConfiguration":     StageAdmission,
	"admissionregistration.k8s.io/ValidatingWebhookConfiguration":   StageAdmission,
	"admissionregistration.k8s.io/ValidatingAdmissionPolicy":        StageAdmission,
	"admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": StageAdmission,
	"apiregistration.k8s.io/APIService":                             StageAdmission,
}
