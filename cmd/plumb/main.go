// Command plumb holds what runs true to what Git says.
package main

func main() {}
