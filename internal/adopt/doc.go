// Package adopt decides how an object that other tools made comes into the hands
// of Plumb: who else holds it (Holder), whose entries in its managed fields are
// handed over (Move), and which fields go with that (Move.Gone).
//
// An old tool's entry keeps its fields alive whatever Git says, for the API
// server removes a field only when nobody owns it any more. So the entries of
// tools that deploy, and of people's hands, are merged into our own, and the
// next apply lets go of what Git doesn't declare. Controllers' entries, and those
// of subresources such as status and scale, are left as they are.
//
// It knows tools by the names and marks that they leave in objects, asks no
// server and changes no object. All functions are pure.
package adopt
