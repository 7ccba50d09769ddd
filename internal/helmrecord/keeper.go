package helmrecord

import (
	"context"
	"fmt"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

// Keeper writes records to a target, with an App's rights.
type Keeper struct{ Secrets target.Secrets }

// Write records a release.
func (k Keeper) Write(ctx context.Context, as target.Actor, r Release) error {
	existing, err := k.Secrets.SecretsWith(ctx, as, Of(r.Name))
	if err != nil {
		return fmt.Errorf("the releases that Helm knows can't be listed: %w", err)
	}
	c, err := Next(existing, r)
	if err != nil {
		return err
	}
	for _, s := range c.Put {
		if err := k.Secrets.PutSecret(ctx, as, s); err != nil {
			return fmt.Errorf("the record for Helm can't be written: %w", err)
		}
	}
	return k.drop(ctx, as, c.Drop)
}

// Remove removes all records of an App, wherever they are. That is done with our
// own rights: those of the App may be gone with it.
func (k Keeper) Remove(ctx context.Context, app string) error {
	ours, err := k.Secrets.SecretsWith(ctx, target.Actor{}, map[string]string{labelOwner: owner, object.LabelRecordOf: app})
	if err != nil {
		return fmt.Errorf("the releases that Helm knows can't be listed: %w", err)
	}
	for _, s := range ours {
		if s.Type != secretType {
			continue // somebody else's, whatever it says
		}
		if err := k.drop(ctx, target.Actor{Namespace: s.Namespace}, []string{s.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) drop(ctx context.Context, as target.Actor, names []string) error {
	for _, name := range names {
		if err := k.Secrets.DropSecret(ctx, as, name); err != nil {
			return fmt.Errorf("the record %s can't be deleted: %w", name, err)
		}
	}
	return nil
}
