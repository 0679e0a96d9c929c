// franz-go under the conformance driver: `produce`, `read`, `checks` and `member`.
package main

import (
	"fmt"
	"os"
)

var bootstrap = os.Getenv("BOOTSTRAP")

func main() {
	verbs := map[string]func(string) error{"produce": produce, "read": read, "checks": checks, "member": member}
	if err := verbs[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
