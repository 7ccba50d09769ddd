package status

import "plumb.dev/plumb/internal/release"

// HooksOf lists how the hooks of a release that has not ended stand; of none,
// it is empty.
func HooksOf(open *release.Release) (list []Object) {
	if open == nil {
		return nil
	}
	for _, run := range open.Hooks {
		shown := Object{Key: run.Object, Sync: Synced, Health: Progressing, Origin: run.Origin.String(), Hook: run.Phase, Message: run.Message}
		switch run.State {
		case release.HookSucceeded:
			shown.Health = Healthy
		case release.HookFailed:
			shown.Health = Degraded
		}
		list = append(list, shown)
	}
	return list
}
