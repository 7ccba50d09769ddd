package documented

type Plain struct{} // want `exported type Plain has no comment`

// Said is said.
type Said struct{}

func (Said) String() string { return "" }

func (Said) Loud() {} // want `exported Loud has no comment`

type quiet struct{}

func (*quiet) Loud() {}

func Do() {} // want `exported Do has no comment`

// Done is done.
func Done() {}

const Limit = 3 // bytes

var Unsaid int // a comment beside it will do

var (
	// Told is told.
	Told int

	local int
)

// want +3 `exported Dumb has no comment`

const (
	Dumb = iota
	Mute // said
)

// The colours.
const (
	Red  = "red"
	Blue = "blue"
)
