package main

import "context"

// hugeApp is S7: one App with very many objects.
func hugeApp(ctx context.Context, b *bench) ([]row, error) {
	c, err := b.cold(ctx, newBulk(b.objects))
	if err != nil {
		return nil, err
	}
	return coldRows([]cold{c}, b.current.fleet, firstSyncMost), nil
}
