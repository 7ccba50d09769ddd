package worker_test

import (
	"testing"

	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/worker"
	"plumb.dev/plumb/internal/tree/treetest"
)

func BenchmarkRender(b *testing.B) {
	p := pool(b, worker.Options{})
	sets := map[string]render.Set{"in-process": renderers()[:3], "worker": p.WrapAll(renderers()[:3])}
	for name, s := range corpus(b) {
		work := render.Work{Files: treetest.New(s.Files), Path: s.Path, Params: s.Params}
		for way, set := range sets {
			one := func(b *testing.B) {
				if _, err := set.Render(b.Context(), work); err != nil {
					b.Error(err)
				}
			}
			b.Run(name+"/"+way, func(b *testing.B) {
				for b.Loop() {
					one(b)
				}
			})
			b.Run(name+"/"+way+"/parallel", func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one(b)
					}
				})
			})
		}
	}
}
