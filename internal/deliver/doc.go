// Package deliver holds each App in line: it takes what is declared, what the
// sources and the target tell, and decides, App by App, what to do next.
//
//   - What an App does next is decided by package step, from the facts of app.go.
//   - engine.go is the one loop that owns all that is known. Everything that
//     happens reaches it as an event; nothing else changes an App.
//   - app.go is what is known of one App; objects.go feeds the ledger that
//     keeps how its objects stand.
//   - work.go is what workers do: render, check, apply. A worker never waits
//     for health, a dependency or another App: waiting is a state.
//   - gates.go asks whether changes may be made; approve.go and failures.go are
//     what people say of them, and what follows when they go wrong.
//   - hooks.go runs what a release does once, as package hooks decides.
//   - releases.go turns work into history.
//
// The cost of an event is that of the Apps and objects it names.
package deliver
