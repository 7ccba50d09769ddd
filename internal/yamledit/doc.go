// Package yamledit changes one value in a YAML or JSON file as a careful person
// would: where it stands. Comments, order, quotes, indentation, line ends and
// every other line stay byte for byte as they are.
//
// It finds the bytes that hold a value, replaces them, and reads the result
// again: unless exactly the meant value changed, by the rules of kubectl and by
// those of kustomize, the edit is refused. So it may refuse what could be done,
// and never does what wasn't asked for. A value that other places share by an
// anchor is refused too.
//
// It knows no files, kinds or schemas: who calls it has read the bytes, and
// says which value is meant. Errors never quote a value; it may be a secret.
package yamledit
