"""Runs the clients against one broker, every producer against every reader, and prints what passed.

    drive.py WORKDIR CLIENT...      BOOTSTRAP=host:port names the broker

Each client is a folder beside this one with `client.json` (what it can express), `install`, and `run VERB DIR`:
  run produce DIR   create the topics of DIR/produce/<client>/*.jsonl and produce them; the acknowledged offsets go to
                    DIR/acks/<topic>.jsonl, an empty file when the client tells none
  run read DIR      read the topics of DIR/topics.json from start to end into DIR/read/<client>/<topic>.jsonl
  run checks DIR    what else the client can do; prints `pass NAME` or `fail NAME: why` lines
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

import compare
import manifests

CLIENTS = pathlib.Path(__file__).resolve().parent.parent
# One client's phase may take this long before it counts as hung.
PHASE_SECONDS_MAX = 240
DIFFERENCES_SHOWN = 3


class Run:
    """One run of the matrix."""

    def __init__(self, workdir, clients):
        self.workdir = workdir
        self.clients = clients
        self.able = {client: json.loads((CLIENTS / client / "client.json").read_text()) for client in clients}
        self.results = []  # (group, name, failure or None)
        self.window_ms = [int(time.time() * 1000) - 1000, 0]

    def record(self, group, name, failure=None):
        """Notes one test; prints it when it failed."""
        self.results.append((group, name, failure))
        if failure:
            print(f"FAIL {group} {name}: {failure}", flush=True)

    def phase(self, verb, client):
        """Runs one phase of one client; its output, or nothing when it failed (noted)."""
        started = time.monotonic()
        log = self.workdir / "logs" / f"{client}.{verb}.log"
        log.parent.mkdir(exist_ok=True)
        failure = None
        output = ""
        with open(log, "w", encoding="utf-8") as errors:
            try:
                done = subprocess.run(
                    [CLIENTS / client / "run", verb, self.workdir],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    timeout=PHASE_SECONDS_MAX,
                    check=False,
                )
                output = done.stdout.decode("utf-8", "replace")
                if done.returncode != 0:
                    failure = f"exit {done.returncode}"
            except subprocess.TimeoutExpired as expired:
                output = (expired.stdout or b"").decode("utf-8", "replace")
                failure = f"still running after {PHASE_SECONDS_MAX} s"
        if failure:
            tail = "\n    ".join((log.read_text(encoding="utf-8", errors="replace") + output).splitlines()[-12:])
            failure = f"{failure}\n    {tail}"
        self.record(client, verb, failure)
        print(f"     {client:16} {verb:8} {time.monotonic() - started:6.1f} s", flush=True)
        return output

    def each(self, verb, clients):
        """One phase of several clients, two at a time: more would measure the machine, not the broker."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            return dict(zip(clients, pool.map(lambda client: self.phase(verb, client), clients)))

    def run(self):
        """The whole matrix."""
        expected = {}
        for client in self.clients:
            if self.able[client]["produces"]:
                made = manifests.write(self.workdir / "produce" / client, client, self.able[client])
                expected[client] = {topic: compare.Expected(*made[topic]) for topic in made}
        for folder in ("acks", "read"):
            (self.workdir / folder).mkdir(exist_ok=True)
        self.each("produce", list(expected))
        self.window_ms[1] = int(time.time() * 1000) + 1000
        produced = [topic.header for client in expected for topic in expected[client].values()]
        topics = [header for header in produced if (self.workdir / "acks" / f"{header['topic']}.jsonl").exists()]
        (self.workdir / "topics.json").write_text(json.dumps(topics))
        readers = [client for client in self.clients if self.able[client]["reads"]]
        for client in readers:
            (self.workdir / "read" / client).mkdir(exist_ok=True)
        self.each("read", readers)
        self.compare(expected, readers)
        for client, output in self.each("checks", [c for c in self.clients if self.able[c].get("checks", True)]).items():
            self.checks(client, output)

    def compare(self, expected, readers):
        """Every topic of every producer as every reader saw it, and the offsets that the producer was told."""
        for producer, topics in expected.items():
            for topic, wanted in topics.items():
                acks = self.workdir / "acks" / f"{topic}.jsonl"
                if not acks.exists():
                    self.record(producer, f"produce {topic}", "not produced")
                    continue
                self.outcome(producer, f"offsets of {topic}", wanted.check_acks, acks)
                for reader in readers:
                    if self.able[reader].get("reads_text_only") and not wanted.header["text"]:
                        continue
                    path = self.workdir / "read" / reader / f"{topic}.jsonl"
                    self.outcome(f"{producer} > {reader}", topic, lambda path, w=wanted: w.check_read(path, self.window_ms), path)

    def outcome(self, group, name, check, path):
        """Runs one comparison over one file."""
        try:
            differences = check(path)
        except FileNotFoundError:
            differences = ["nothing written"]
        except json.JSONDecodeError as error:
            differences = [f"cut short: {error}"]
        more = f" (and {len(differences) - DIFFERENCES_SHOWN} more)" if len(differences) > DIFFERENCES_SHOWN else ""
        self.record(group, name, "; ".join(differences[:DIFFERENCES_SHOWN]) + more if differences else None)

    def checks(self, client, output):
        """The lines that a client printed about its own checks."""
        seen = 0
        for line in output.splitlines():
            verdict, _, rest = line.partition(" ")
            if verdict == "pass":
                self.record(client, rest)
            elif verdict == "fail":
                name, _, why = rest.partition(":")
                self.record(client, name, why.strip() or "no reason given")
            seen += verdict in ("pass", "fail")
        least = self.able[client]["checks_min"]
        self.record(client, "number of checks", None if seen >= least else f"{seen} ran, {least} are expected")

    def report(self):
        """The tables and the closing line; true when all passed."""
        failed = [result for result in self.results if result[2]]
        groups = {}
        for group, _, failure in self.results:
            tally = groups.setdefault(group, [0, 0])
            tally[1 if failure else 0] += 1
        producers = sorted({group.split(" > ")[0] for group in groups if " > " in group})
        readers = sorted({group.split(" > ")[1] for group in groups if " > " in group})
        print("\ntopics read back, passed/failed     (rows produced, columns read)")
        print(" " * 18 + "".join(f"{reader:>17}" for reader in readers))
        for producer in producers:
            cells = ["/".join(map(str, groups.get(f"{producer} > {reader}", ["-", "-"]))) for reader in readers]
            print(f"{producer:18}" + "".join(f"{cell:>17}" for cell in cells))
        print("\nchecks of each client, passed/failed")
        for client in self.clients:
            print(f"{client:18}" + "{:>8}/{}".format(*groups.get(client, [0, 0])))
        print(f"\n{len(self.results) - len(failed)} passed, {len(failed)} failed")
        return not failed


def main():
    """Entry point."""
    os.environ["BOOTSTRAP"]  # fails early when missing
    run = Run(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:])
    run.run()
    sys.exit(0 if run.report() else 1)


if __name__ == "__main__":
    main()
