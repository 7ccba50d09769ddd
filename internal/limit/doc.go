// Package limit bounds how many requests to one server are under way at once,
// by what the server can take.
//
// It makes no request itself and knows nothing of the server but how long its
// answers take and whether it says that there are too many. It bounds numbers
// at a time, never a rate.
package limit
