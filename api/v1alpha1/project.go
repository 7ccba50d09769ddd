package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// KindProject is the kind of Project.
const KindProject = "Project"

// Project declares what holds for all Apps that name it.
type Project struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ProjectSpec `json:"spec"`
}

// ID is the Project's unique name, NAMESPACE/NAME.
func (p Project) ID() string { return p.Namespace + "/" + p.Name }

// ProjectSpec is what a Project says of its Apps.
type ProjectSpec struct {
	// Windows come in front of each App's own.
	Windows []Window `json:"windows,omitempty"`
}
