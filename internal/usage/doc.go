// Package usage is what all commands have in common: exit codes, checked
// arguments and flags, and errors that say what was perhaps meant.
//
// It knows no command.
//
// Invariants: an error in the command line ends with its own exit code; it is
// told once, and whatever it quotes steers no terminal.
package usage
