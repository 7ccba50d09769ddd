// Package substitute replaces ${NAME} in rendered objects by values, as people
// know it from Flux's postBuild.substitute.
//
// It knows these forms, which may stand anywhere in a text or a key:
//
//	${NAME}                       the value
//	${NAME:=TEXT}, ${NAME:-TEXT}  the value, or TEXT if there is none or it is empty
//	${NAME=TEXT}                  the same
//	$${NAME}                      ${NAME} as it stands
//	$$${NAME}                     a $ and the value; two make one, before a brace
//
// TEXT may have such forms in it. What a value holds is put in as it is and
// not looked at again. Other forms of shells, such as ${NAME%TEXT}, are an error.
//
// Values are put into objects that have been parsed, not into their YAML. So
// whatever a value holds, it stays within the text it was put in: no value makes
// a field, an element or an object. A text that is nothing but such forms takes
// the type of its field, where that is a number or a switch; see types.go.
//
// Scripts and other people's templates are full of ${…}. In the data of a
// ConfigMap or Secret, only names that have a value are replaced, and all else
// is left as it stands, defaults too. An object is left alone as a whole by the
// annotation plumb.dev/substitute: disabled, or Flux's label or annotation
// kustomize.toolkit.fluxcd.io/substitute: disabled.
//
// Everything here is a pure function of objects and values. Values may be
// secret: no error and no notice has one in it.
package substitute
