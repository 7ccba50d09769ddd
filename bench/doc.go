// Command bench measures what Plumb costs and how that grows, on a real API
// server with its controllers, beside a floor: a bare loop that applies the
// same objects. docs/performance.md says what each scenario is and how it went.
//
//   - main.go and options.go say what was asked for; scenario.go runs it;
//     s1.go to s9.go are the scenarios, each a function from a stand to rows.
//   - stand.go puts together what a scenario works with: cluster.go (a control
//     plane), fleet.go, repository.go and gitserver.go (what is declared, and
//     where it is fetched from) and daemon.go (the program that is measured).
//   - floor.go is the bare loop; truth.go sees what is live by watches of its
//     own, and never asks the daemon; figures.go and process.go read what the
//     daemon counted and what the processes used.
//   - row.go, report.go and machine.go are the results and how they are told.
//
// It is a program and no test: a goal that is missed is told and fails nothing,
// for times depend on the machine and on who else uses it. Counts do not: with
// -smoke a wrong number of objects, renders or requests is an error.
package main
