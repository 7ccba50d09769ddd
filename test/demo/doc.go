// Command plumb-demo is what `make demo` runs: a real Kubernetes control plane, a Git repository made from examples/fleet, and Plumb between
// them, for someone to play with; or, with --check, the tour of README.md, or the day of docs/day.md, walked through by itself.
//
//   - demo.go is the story; build.go builds what it needs; stand.go starts and stops all that. tie.go makes sure that nothing of it outlives this
//     program, however it ends, and left.go looks whether that is so. forge.go is the Git server of the day: with accounts, and pushed to.
//   - manual.go reads the page: its tour is the one list of what there is to try. The demo prints the commands from there, and tour.go runs
//     them and holds the page to what they print (alike.go says what may vary, recall.go which hash of the page is which of this run), so what
//     a newcomer reads is what was tried.
//   - follow.go tells what Plumb does, as it does it; screen.go shows it, live on a terminal and in plain lines elsewhere.
//   - cluster.go asks and changes the cluster behind Plumb's back: to edit by hand without kubectl, and to check Plumb's word.
//
// It is a program around the product: it decides nothing about delivery, and whatever it shows of Plumb it got as a user would, from the
// command line and the HTTP API.
package main
