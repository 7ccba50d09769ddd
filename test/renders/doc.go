// Package renders compares what Plumb makes of charts and kustomizations with
// what the real `helm template` and `kustomize build` of the same versions make
// of them: object by object, with each difference named and explained in
// docs/helm.md and docs/kustomize.md.
//
// A case is a txtar file below testdata/helm or testdata/kustomize: a comment
// that says what it covers, files of the repository, and
//
//	-- helm --          flags of `helm template release-name c`, one a line
//	-- render.yaml --   what the App says of rendering, as spec.render
//	-- given.json --    what the App is given by ConfigMaps and Secrets; for helm the flags say the same
//	-- post.yaml --     a kustomization that what helm printed goes through
//	-- fetched/SCHEME/HOST/NAME/VERSION/… --   a chart that is fetched; helm finds it in charts/
//	-- differs --       the objects that differ, and how: "KEY: WHY"; none without it
//
// The programs are built by `make renderers`. Nothing is fetched.
package renders
