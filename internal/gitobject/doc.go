// Package gitobject is what Git keeps: commits, folders and files as Git writes
// them, the names that their content gives them, and packs, in which they
// travel.
//
// It is pure: bytes in, bytes out. Reading is forgiving, since anyone may have
// made what is read; what is written is just as Git itself writes it, and
// refused where Git would refuse it. How objects are fetched, kept and pushed is
// the business of package git.
package gitobject
