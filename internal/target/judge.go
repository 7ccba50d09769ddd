package target

import "plumb.dev/plumb/api/v1alpha1"

// Judge is a target that judges health by rules of the Apps' own.
type Judge interface {
	// JudgeBy has the objects with an App's label judged by these rules, which
	// were checked, in place of those that it had. It doesn't wait: Events tells
	// of objects that are judged otherwise than before.
	JudgeBy(appLabel string, rules []v1alpha1.HealthRule)
}
