package rendertest

import "os" // a package for tests may too

func Read(name string) ([]byte, error) { return os.ReadFile(name) }
