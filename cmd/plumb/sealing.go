package main

import (
	"path"
	"path/filepath"

	"plumb.dev/plumb/internal/cli/seal"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/source/folder"
	"plumb.dev/plumb/internal/tree"
)

// sealing is what `plumb seal` and `plumb unseal` work with.
func sealing() seal.Parts {
	return seal.Parts{Seal: sops.Seal, Unseal: sops.Unseal, Encrypted: sops.Encrypted, RuleFor: ruleFor}
}

// ruleFor is what the checkout around a file says of it.
func ruleFor(file string) (secret.Rule, error) {
	files, below, err := folder.Open(filepath.Dir(file))
	if err != nil {
		return secret.Rule{}, err
	}
	return sops.RuleFor(tree.Record(files), path.Join(below, filepath.Base(file)))
}
