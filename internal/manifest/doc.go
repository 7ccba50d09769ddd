// Package manifest reads the documents of one YAML or JSON file, as people
// write them for Kubernetes: several in a file, lists, anchors, Windows line
// ends. What a value means is what kubectl takes it for.
//
// It reads bytes that others wrote, so everything is bounded (size, number,
// depth, expansion of aliases), and every error says where, what and what to do.
// It knows no files and no servers: who calls it has read the bytes.
package manifest
