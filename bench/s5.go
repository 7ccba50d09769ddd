package main

import (
	"context"
	"fmt"

	"plumb.dev/plumb/bench/process"
)

// growthPerObject is the goal for how much memory an object more takes, in kilobytes.
const growthPerObject = 20

// growth is S5: S1, S2 and memory at several sizes.
func growth(ctx context.Context, b *bench) ([]row, error) {
	var rows []row
	var memory []float64
	for _, apps := range b.sizes {
		c, err := b.cold(ctx, newFleet(b.folders(apps), apps))
		if err != nil {
			return rows, err
		}
		commits, err := b.commits(ctx, b.current)
		if err != nil {
			return rows, err
		}
		if err := b.current.rest(ctx); err != nil {
			return rows, err
		}
		used, err := b.current.daemon.usage()
		if err != nil {
			return rows, err
		}
		memory = append(memory, mb(used.Resident))
		rows = append(rows, growthRows(c, commits, used, apps)...)
	}
	if last := len(b.sizes) - 1; b.sizes[last] > b.sizes[0] {
		objects := float64(objectsPerApp * (b.sizes[last] - b.sizes[0]))
		grown := figure(fmt.Sprintf("memory for an object more, from %d to %d Apps", b.sizes[0], b.sizes[last]), kilobytes,
			1000*(memory[last]-memory[0])/objects).within(growthPerObject)
		rows = append(rows, forApps([]row{grown}, b.sizes[last])...)
	}
	return rows, nil
}

func growthRows(c cold, commits []row, used process.Usage, apps int) []row {
	bare := figure("", seconds, c.floor.create.Seconds())
	resident := figure("memory of the daemon at rest", megabytes, mb(used.Resident))
	if apps == 1000 {
		resident = resident.within(memoryMostAt1000)
	}
	rows := []row{
		figure("first sync", seconds, c.wall.Seconds()).beside(bare).ratioWithin(firstSyncMost),
		figure("first sync: CPU of the daemon", seconds, c.used.Own.Seconds()),
		figure("first sync: peak memory of the daemon", megabytes, mb(c.used.Peak)),
		resident,
	}
	for _, r := range commits {
		r.What = "commit: " + r.What
		rows = append(rows, r)
	}
	return forApps(rows, apps)
}
