package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// acquire waits for the folder's lock and returns what gives it back. The kernel frees it when the holder dies.
func (l layout) acquire(ctx context.Context) (release func(), err error) {
	var held *os.File
	err = until(ctx, 20*time.Millisecond, func(context.Context) (ok bool, err error) {
		held, err = l.tryLock()
		return held != nil, err
	})
	if err != nil {
		return nil, fmt.Errorf("lock %s, which another plumb may be working on: %w", l.lock(), err)
	}
	return func() { held.Close() }, nil
}

// tryLock returns the lock's file if nobody else holds it, or else nil.
func (l layout) tryLock() (*os.File, error) {
	file, err := os.OpenFile(l.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			return nil, nil
		}
		return nil, err
	}
	// The one who held it before may have deleted the control plane, lock and all: then this is the lock of a file that is no more.
	ours, err := file.Stat()
	if err == nil {
		if there, statErr := os.Stat(l.lock()); statErr == nil && os.SameFile(ours, there) {
			return file, nil
		}
	}
	file.Close()
	return nil, err
}

// until asks again every interval until done says yes or fails, or ctx ends, whose cause it then returns. It is for programs of others that
// tell nobody when something about them changes.
func until(ctx context.Context, interval time.Duration, done func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
