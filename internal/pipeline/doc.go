// Package pipeline is a commit's way as functions: render it, plan it, check
// it, apply it. Each takes values and the capabilities it works with, and
// returns values; none keeps a state, waits for health or decides when.
//
// The deliver flow walks this way without end, for all Apps; the operate flow
// walks it as far as a question asks; the push flow, once. So what is shown,
// approved and applied comes about in one way only.
package pipeline
