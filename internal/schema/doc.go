// Package schema holds objects to the schemas of their kinds without a cluster:
// those of the kinds that come with Kubernetes, which are built in, and those of
// CRDs that it is given.
//
// It finds what the API server refuses by its schemas: fields that there are
// not, missing ones, values of the wrong type or none of those allowed, and what
// breaks the CEL rules of a CRD. Rules that compare with what was before, or that
// call functions of Kubernetes' own, aren't tried, and one whose evaluation fails
// or costs too much says nothing. What the server checks by code of its own isn't
// known either: what passes here may still be refused there. It reads nothing but
// what it is given.
package schema
