// The broker under test as a process: start, kill, memory.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

type broker struct {
	script, dir, port string
	settings          []string
	running           bool
}

func (b *broker) address() string {
	return "127.0.0.1:" + b.port
}

func (b *broker) run(arguments ...string) error {
	command := exec.Command(b.script, arguments...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", arguments[0], err, output.String())
	}
	return nil
}

// Starts it and waits until it answers; how long that took.
func (b *broker) start() (time.Duration, error) {
	began := time.Now()
	err := b.run(append([]string{"start", b.dir, b.port}, b.settings...)...)
	b.running = err == nil
	return time.Since(began), err
}

func (b *broker) kill() error {
	b.running = false
	return b.run("kill", b.dir)
}

func (b *broker) stop() error {
	if !b.running {
		return nil
	}
	b.running = false
	return b.run("stop", b.dir)
}

func (b *broker) pid() (int, error) {
	text, err := os.ReadFile(b.dir + "/pid")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Resident memory in MiB; an error when the process is gone.
func (b *broker) residentMiB() (int, error) {
	pid, err := b.pid()
	if err != nil {
		return 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("the broker is gone: %w", err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, err := strconv.Atoi(fields[1])
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("the broker is a zombie")
}
