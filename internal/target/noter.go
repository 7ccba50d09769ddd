package target

import "plumb.dev/plumb/internal/object"

// Noter follows single objects that no App declares, such as those that values
// are taken from. It keeps nothing of them but their version; Events tells when
// one changed.
type Noter interface {
	// Note sees to it that exactly these objects are followed.
	Note(keys []object.Key)
	// Noted is the resource version of a followed object, empty where there is
	// none. It says false until that is known.
	Noted(key object.Key) (version string, known bool)
}
