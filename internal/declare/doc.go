// Package declare reads what a root repository declares: every document of the
// group plumb.dev in it. It says which Apps there are, with what their Projects
// say of them, and what could not be used.
//
// One broken declaration never takes others with it, and never removes the App
// that it declared before: see Next. A scan costs what changed since the last,
// not what the repository holds.
package declare
