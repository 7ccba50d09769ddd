// Package vet looks through a folder or repository as the daemon would, with no
// cluster and no daemon: which Apps are declared, whether each can be rendered,
// whether its objects fit the schemas of their kinds, whether encrypted files can
// be opened, and whether two Apps declare the same. Where nothing is declared, it
// renders what others would; see undeclared.
//
// It changes nothing and, unless it is given something to fetch with, asks nobody.
// What it can't tell without a cluster is said to be unchecked, never to be
// right. No finding holds a value of a Secret.
package vet
