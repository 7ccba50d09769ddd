// Package registry fetches packages of charts: from chart repositories over
// HTTP, which have an index, and from OCI registries.
//
// What is fetched is bounded in bytes and time, checked by its digest, and by
// its signature where one is asked for, and kept by digest in the data folder.
// That is a cache: it can be lost, and damage is noticed. A package is read
// through a tree in memory, never from a disk.
//
// Credentials go to the host that they are given for, and to those that they
// name; not to where an index, a redirect or a registry sends. Addresses that
// only machines in a cloud or on one link answer are never asked. The package
// knows nothing of Apps or polling; package source/chart follows charts with it.
package registry
