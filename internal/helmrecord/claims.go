package helmrecord

import (
	"fmt"
	"strings"
)

// Claims are which App has which release, NAMESPACE/NAME: two Apps with one
// would write over each other's objects, and each take the other's for its own.
// The zero Claims is empty. It is used by one at a time.
type Claims struct {
	holder map[string]string // of a release
	of     map[string]string // of an App: the release that it holds or is refused
}

// Claim makes a release an App's, unless another has it; then the error names
// both. An App that has applied objects comes before one that hasn't: the one
// that loses it so is returned, to be refused when it claims it again. An empty
// release is none; wake are Apps that were refused what is free now.
func (c *Claims) Claim(app, release string, applied func(app string) bool) (wake []string, err error) {
	if c.holder == nil {
		c.holder, c.of = map[string]string{}, map[string]string{}
	}
	if before := c.of[app]; before != release {
		wake = c.Leave(app)
	}
	if release == "" {
		return wake, nil
	}
	c.of[app] = release
	other, held := c.holder[release]
	switch {
	case !held || other == app:
		c.holder[release] = app
	case applied(app) && !applied(other):
		c.holder[release] = app
		wake = append(wake, other)
	default:
		namespace, name, _ := strings.Cut(release, "/")
		err = fmt.Errorf("the Apps %s and %s both are the release %s in the namespace %s, and %s has it already; give one of them another name in spec.render.helm.releaseName",
			other, app, name, namespace, other)
	}
	return wake, err
}

// Leave gives up what an App claims. It returns those who were refused it.
func (c *Claims) Leave(app string) (wake []string) {
	release, claims := c.of[app]
	delete(c.of, app)
	if !claims || c.holder[release] != app {
		return nil
	}
	delete(c.holder, release)
	for other, wants := range c.of {
		if wants == release {
			wake = append(wake, other)
		}
	}
	return wake
}
