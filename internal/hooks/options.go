package hooks

import (
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// effect is what an option of Argo CD comes to.
type effect uint8

const (
	untold   effect = iota
	always          // Plumb does so anyway
	keep            // the object isn't deleted
	replaced        // the object may be made anew
	refused         // Plumb does otherwise, and says so
)

// meaning is what one option means, and what people are told where it is refused.
type meaning struct {
	effect effect
	told   string
}

// syncOptions are the values of argocd.argoproj.io/sync-options, in lower case.
func syncOptions() map[string]meaning {
	const served = "all is applied by the API server itself (server-side apply)"
	return map[string]meaning{
		"prune=false": {effect: keep}, "prune=confirm": {effect: keep}, "delete=false": {effect: keep}, "delete=confirm": {effect: keep},
		"prune=true": {effect: always}, "delete=true": {effect: always},
		"replace=true": {effect: replaced}, "force=true": {effect: replaced},
		"replace=false": {effect: always}, "force=false": {effect: always},
		"serversideapply=true": {effect: always}, "serversideapply=false": {effect: refused, told: served},
		"skipdryrunonmissingresource=true": {effect: always}, "skipdryrunonmissingresource=false": {effect: always},
		"validate=true": {effect: always}, "validate=false": {effect: refused, told: "fields that the kind doesn't have are refused"},
		"prunelast=true": {effect: always}, "prunelast=false": {effect: refused, told: "what is no longer declared is deleted after all else is applied"},
		"applyoutofsynconly=true": {effect: always}, "applyoutofsynconly=false": {effect: always},
		"respectignoredifferences=true": {effect: always}, "respectignoredifferences=false": {effect: refused, told: "what spec.ignore names is left to others"},
		"failonsharedresource=true": {effect: always}, "failonsharedresource=false": {effect: refused, told: "an object belongs to one App"},
		"createnamespace=true": {effect: always}, "createnamespace=false": {effect: refused, told: "write spec.target.createNamespace: false in the App"},
		"clientsideapplymigration=true": {effect: always}, "clientsideapplymigration=false": {effect: always},
		"disableclientsideapplymigration=true": {effect: always}, "disableclientsideapplymigration=false": {effect: always},
		"prunepropagationpolicy=background": {effect: always},
		"prunepropagationpolicy=foreground": {effect: refused, told: "what an object owns is deleted in the background"},
		"prunepropagationpolicy=orphan":     {effect: refused, told: "what an object owns is deleted with it"},
	}
}

// compareOptions are the values of argocd.argoproj.io/compare-options, in lower case.
func compareOptions() map[string]meaning {
	const asked = "what differs is asked of the API server, with its defaults and webhooks"
	return map[string]meaning{
		"ignoreextraneous": {effect: always}, "serversidediff=true": {effect: always}, "includemutationwebhook=true": {effect: always},
		"serversidediff=false": {effect: refused, told: asked}, "includemutationwebhook=false": {effect: refused, told: asked},
	}
}

// optionsOf reads the options of an object: whether it is kept from being
// deleted, and what is to be told.
func optionsOf(annotations map[string]string) (kept bool, notices []string) {
	for _, of := range []struct {
		name  string
		known map[string]meaning
	}{{argoSync, syncOptions()}, {argoCompare, compareOptions()}} {
		for option := range words(annotations[of.name]) {
			switch m := of.known[option]; m.effect {
			case untold:
				notices = append(notices, of.name+": "+option+" is not known to Plumb, and changes nothing")
			case refused:
				notices = append(notices, of.name+": "+option+" changes nothing: "+m.told)
			case keep:
				kept = true
			}
		}
	}
	return kept || strings.EqualFold(strings.TrimSpace(annotations[helmKeep]), "keep"), notices
}

// ReplaceAsked says whether annotations of another tool ask for an object to be
// made anew where it can't be changed.
func ReplaceAsked(annotations map[string]string) bool {
	known := syncOptions()
	return slices.ContainsFunc(slices.Collect(words(annotations[argoSync])), func(option string) bool { return known[option].effect == replaced })
}

// kept is an object that is never pruned.
func kept(o object.Object) object.Object {
	annotations := o.GetAnnotations() // a copy
	if annotations[object.AnnotationPrune] == object.PruneNever {
		return o
	}
	annotations[object.AnnotationPrune] = object.PruneNever
	return withAnnotations(o, annotations)
}
