// Package secret has the private keys that a daemon was handed, for those who
// open with them what stands encrypted in Git: variants below it know the
// formats.
//
// Keys come from files that are named, and from nowhere else: no environment,
// no home folder, no program that is started. A file that others may read is
// refused, and one that changes is read again. Nothing here tells of a private
// key more than its public name, and no error repeats what a file holds. What
// was opened is never written anywhere by these packages.
package secret
