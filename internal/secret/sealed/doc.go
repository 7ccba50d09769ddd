// Package sealed opens SealedSecrets (bitnami.com/v1alpha1), in memory, to the
// Secrets that their controller would make of them.
//
// It needs the controller's private keys. Without one a SealedSecret is left as
// it is, for a controller in the cluster. It seals nothing, and watches nothing.
//
// A value is a session key, encrypted by RSA-OAEP with SHA-256 for the
// controller, and what that key encrypts by AES-GCM. Name and namespace are part
// of it, as far as its scope says, so that it can't be opened elsewhere.
//
// Invariants: no error tells a value; a template can't do more than put values
// into text, once for each time that it names them.
package sealed
