package secret

import "time"

// Sealing is a file that is to be encrypted.
type Sealing struct {
	Name    string // for messages
	Content []byte // Secrets as YAML or JSON; encrypted ones are sealed anew
	// Before is the encrypted file that the result takes the place of; nil is
	// none. What is the same in both stays as it is, as far as Keys open it.
	Before     []byte
	Recipients []string // age
	// Keep has those for whom Before is encrypted by age stay recipients.
	Keep bool
	Keys *Keys
	Now  time.Time
}

// Rule says for whom a file is to be encrypted, as the repository has it. The
// zero Rule says nothing.
type Rule struct {
	At         string   // the file with the rules; empty where there is none
	Found      bool     // one of them is for the file
	Recipients []string // age
	Others     []string // OpenPGP fingerprints and keys of clouds
	Several    bool     // keys of several groups are needed at once
}
