// Package sops opens files that were encrypted with SOPS, in memory: YAML,
// JSON, dotenv and binary ones, for age and OpenPGP keys, and for those of clouds
// where a key service is named. Secrets it also seals, for age keys.
//
// It follows the format that SOPS documents and its releases write, and doesn't
// use its library: that can't be had without the clients of five clouds, and
// looks for keys, programs and settings of the machine by itself. Here nothing
// is looked for: keys are handed in (package secret), and files come as bytes.
//
// A file counts as encrypted if it has SOPS' own section. The checksum over all
// that is in it is always verified, so what was changed, moved or taken out is
// refused, and so is a file without one. Everything is bounded before it is parsed, and
// no error tells anything that was decrypted.
//
// What is sealed is opened again before it is handed out. Not read are files of
// the INI format.
package sops
