package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// How long a client may take, and how much it may send before its body.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 2 * time.Minute // a large App takes a while to render
	idleTimeout   = 2 * time.Minute
	shutdownGrace = 5 * time.Second
	maxHeader     = 32 << 10
)

// Serve answers on a listener until ctx ends, lets requests under way finish for
// a few seconds, and closes the listener. What goes on for long ends at once.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what clients do wrong
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), stoppingKey{}, ctx.Done())
		},
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		stopped <- errors.Join(s.Shutdown(grace), s.Close())
	})
	err := s.Serve(listener)
	if stop() {
		return errors.Join(err, s.Close()) // it ended by itself
	}
	if shutdown := <-stopped; shutdown != nil && !errors.Is(shutdown, context.DeadlineExceeded) {
		return shutdown
	}
	return nil
}
