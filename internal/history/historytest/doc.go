// Package historytest holds what every variant of history must pass.
//
// It tests behaviour that callers rely on, and nothing about files or tables.
package historytest
