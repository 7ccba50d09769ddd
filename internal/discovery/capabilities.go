package discovery

import (
	"context"
	"fmt"
	"time"
)

// Capabilities are what a render may know of the cluster.
type Capabilities struct {
	// Version is the server's, such as v1.36.2.
	Version string
	// APIs are all GROUP/VERSION and GROUP/VERSION/KIND that are served, in
	// order; those that nobody could declare are among them. It must not be changed.
	APIs []string
}

// version is the server's version, as it was when the kinds were asked for.
type version struct {
	text string
	of   time.Time
}

// Capabilities tells what the server can do: from memory, unless its kinds
// changed since. A server that is replaced by one of another version with the
// same kinds is noticed when these are asked for the next time.
func (k *Kinds) Capabilities(ctx context.Context) (Capabilities, error) {
	now, err := k.Current(ctx)
	if err != nil {
		return Capabilities{}, err
	}
	k.mu.RLock()
	asked := k.version
	k.mu.RUnlock()
	if asked.text == "" || !asked.of.Equal(now.loaded) {
		info, err := k.client.ServerVersionWithContext(ctx)
		if err != nil {
			return Capabilities{}, k.o.Failed(fmt.Errorf("ask for the cluster's version: %w", err))
		}
		asked = version{text: info.GitVersion, of: now.loaded}
		k.mu.Lock()
		k.version = asked
		k.mu.Unlock()
	}
	return Capabilities{Version: asked.text, APIs: now.served}, nil
}
