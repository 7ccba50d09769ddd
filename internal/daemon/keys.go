package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/status"
)

// keyring tells of the keys that open secrets, and of their public halves alone.
type keyring struct{ keys *secret.Keys }

// Keys implements server.Keys.
func (k keyring) Keys() ([]status.Key, error) {
	own, err := k.keys.Own()
	if err != nil {
		return nil, err
	}
	ring, err := k.keys.Ring()
	if err != nil {
		return nil, err
	}
	return toldKeys(own, ring.All()), nil
}

// toldKeys are the daemon's own keys, the newest first, and then all others.
func toldKeys(own []secret.OwnKey, all []secret.Name) (keys []status.Key) {
	mine := map[string]bool{}
	for i, k := range slices.Backward(own) {
		mine[k.Recipient] = true
		keys = append(keys, status.Key{
			Name: k.Recipient, Kind: string(secret.KindAge), Own: true, Newest: i == len(own)-1, Created: k.Created, Exported: k.Exported,
		})
	}
	for _, name := range all {
		if !mine[name.Name] {
			keys = append(keys, status.Key{Name: name.Name, Kind: string(name.Kind)})
		}
	}
	return keys
}

// newest is the key that new secrets are sealed for.
func (k keyring) newest() (status.Key, bool) {
	keys, err := k.Keys()
	if err != nil {
		return status.Key{}, false
	}
	return status.NewestKey(keys)
}

// warnings are what the daemon's keeper should see to.
func (k keyring) warnings() []string {
	if key, any := k.newest(); any && key.Endangered() {
		return []string{fmt.Sprintf("the newest key, %s of %s, has never been exported: what is sealed for it is lost with the data folder; "+
			"plumb keys export makes a backup", key.Name, key.Created.Format(time.DateOnly))}
	}
	return nil
}

// firstKey makes a key where there is none, so that secrets can be sealed for
// this daemon, and says when one has no backup.
func firstKey(keys keyring, data string, log *slog.Logger) error {
	made, err := secret.OwnIn(data).Create(time.Now())
	if err == nil {
		log.Info("a key was made that secrets can be sealed for", "key", made.Recipient)
	} else if !errors.Is(err, secret.ErrHasKeys) {
		return fmt.Errorf("the daemon's own keys: %w", err)
	}
	if key, any := keys.newest(); any && key.Endangered() {
		log.Warn("the newest key has never been exported; plumb keys export makes a backup", "key", key.Name, "created", key.Created)
	}
	return nil
}
