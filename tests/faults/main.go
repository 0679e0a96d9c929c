// Faults from outside: a broker that is killed again and again under load, clients that mean harm, and what
// many groups cost.
//
//	faults kill|hostile|many BROKER-SCRIPT DIR PORT
//
// BROKER-SCRIPT is tests/harness/broker; DIR holds the broker's data and the ledger. Each test prints `pass`/`fail` lines.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Named tests and how they ended.
type report struct {
	mutex          sync.Mutex
	passed, failed int
}

func (r *report) check(name string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err == nil {
		r.passed++
		fmt.Println("pass", name)
		return
	}
	r.failed++
	fmt.Printf("FAIL %s: %v\n", name, err)
}

func number(name string, otherwise int) int {
	value, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return otherwise
	}
	return value
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "faults kill|hostile|many BROKER-SCRIPT DIR PORT")
		os.Exit(2)
	}
	b := &broker{script: os.Args[2], dir: os.Args[3], port: os.Args[4]}
	r := &report{}
	tests := map[string]func(*broker, *report) error{"kill": kill, "hostile": hostile, "many": many}
	if err := tests[os.Args[1]](b, r); err != nil {
		r.check(os.Args[1]+" ran to its end", err)
	}
	if err := b.stop(); err != nil {
		r.check("orderly stop at the end", err)
	}
	fmt.Printf("%d passed, %d failed\n", r.passed, r.failed)
	if r.failed > 0 {
		os.Exit(1)
	}
}
