package plan

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
)

// Desired is one declared object, ready to be applied.
type Desired struct {
	Key        object.Key
	APIVersion string
	Origin     object.Origin
	// Digest is of the content without our marks, but with the origin's file.
	Digest string
	// Revision is the commit that gave the object this digest.
	Revision string
	Stage    Stage
	// Wave parts an App's objects: those of a wave are applied when all of the
	// lower ones are applied and healthy.
	Wave int
	// Body is the object as JSON, marks included.
	Body []byte
	// Adopt takes the object over from another tool. Replace lets it be deleted
	// and made anew where it has to be. Both count into the digest.
	Adopt, Replace bool
}

// Kinds lists the kinds of some objects, each once.
func Kinds(desired []Desired) []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, d := range desired {
		if gk := d.Key.GroupKind(); !slices.Contains(kinds, gk) {
			kinds = append(kinds, gk)
		}
	}
	return kinds
}

// Live is what is kept of a live object that carries an App's label.
type Live struct {
	Key     object.Key
	UID     string
	Version uint64 // the resource version, which grows with each write
	App     string // the value of the label plumb.dev/app
	// Own says that the object's plumb.dev/id names itself: it isn't a copy
	// that a controller made of one of ours, labels and all.
	Own      bool
	Root     string
	Digest   string
	Origin   string
	Revision string
	// Fingerprint is of our own entry in the managed fields; 0 means that we have none.
	Fingerprint uint64
	Health      health.Verdict
	Deleting    bool
	Keep        bool // plumb.dev/prune: never
	// Renewal is what is to be done about its generated values.
	Renewal Renewal
	// Wave is the one that it was applied with.
	Wave int
	// Run is how it stands as a hook's run; nil where it is none.
	Run *Run
	// Freed grows each time that what kept the object from being deleted is gone.
	Freed uint32
	// Provisional says that the record came with the answer to our own write,
	// and its health is yet to be told by the watch.
	Provisional bool
}

// Renewal is what is to be done about a Secret's generated values; zero is nothing.
type Renewal struct {
	Due     time.Time // when they are to be made anew
	Restart time.Time // since when those who use them are to be restarted
}

// Equal says whether both are the same.
func (r Renewal) Equal(other Renewal) bool {
	return r.Due.Equal(other.Due) && r.Restart.Equal(other.Restart)
}

// Run is how the live object of a hook stands.
type Run struct {
	Token   string // of the release and the phase that it was made for
	Ended   bool
	Failed  bool   // it ended, and not well
	Message string // why
}

// Applied is what is remembered of the last time that the server was seen to
// hold an object as declared.
type Applied struct {
	UID         string
	Digest      string
	Fingerprint uint64
}

// Standing is how a declared object stands against the live one.
type Standing uint8

// The standings.
const (
	InLine      Standing = iota
	Missing              // not there, and never was as far as is known
	Changed              // declared otherwise than it was applied
	Gone                 // was applied, and isn't there any more
	Unsure               // nothing tells whether it is in line: the server must be asked
	Moved                // our entry in the managed fields isn't the one that we left: someone may have changed a field
	Foreign              // belongs to another App
	Terminating          // being deleted: it must go before it can come again
)

// Judge compares one declared object with the live one. A zero Live means that
// there is none with an App's label; a zero Applied, that nothing is
// remembered. app is the value of the App's label.
//
// It trusts two things instead of asking the server: our digest annotation,
// which the server guards by our field ownership, and the fingerprint, which
// the server changes when anyone changes a value of ours.
func Judge(app string, d Desired, l Live, a Applied) Standing {
	switch {
	case l.UID == "" && (a.UID == "" || a.Digest != d.Digest):
		return Missing // what is declared now never was there
	case l.UID == "":
		return Gone
	case l.App != app:
		return Foreign
	case l.Deleting:
		return Terminating
	case l.Digest != d.Digest && a.Digest == d.Digest:
		return Moved // what is declared was applied, so someone else made this of it
	case l.Digest != d.Digest:
		return Changed
	case a.UID == "" || a.Digest != d.Digest || a.Fingerprint == 0:
		return Unsure // nothing is remembered of it as it is declared now
	case a.UID != l.UID || a.Fingerprint != l.Fingerprint:
		return Moved
	default:
		return InLine
	}
}
