package tour

import "fmt"

func say() { fmt.Println("a program of its own may print") }
