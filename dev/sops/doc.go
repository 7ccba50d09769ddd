// Package sops tries what Plumb seals and opens with SOPS itself: what one of
// them wrote, the other reads, and keys that services keep are had by SOPS' own
// key service. It is a module of its own because SOPS brings the clients of five
// clouds along, which Plumb doesn't need.
package sops
