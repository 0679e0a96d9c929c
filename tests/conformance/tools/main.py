"""Asks two brokers the same with Kafka's own tools and compares what the tools print.

    main.py WORKDIR WANTED FOUND      both HOST:PORT; WANTED is the Kafka to compare with

Environment: TOOLS_ONLY=PATTERN shows the output of the steps that match, from both.
"""

import concurrent.futures
import datetime
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import compare
import steps

TESTS = pathlib.Path(__file__).resolve().parents[2]
UNTIL_SECONDS_MAX = 12


def main_classes():
    """{tool: class} as the peer knows them."""
    text = (TESTS / "peer" / "peer").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+) ((?:org|kafka)\.[\w.]+)$", text, re.MULTILINE))


class Tools:
    """One JVM that runs tools against one broker."""

    def __init__(self, workdir, bootstrap):
        self.workdir = workdir
        self.workdir.mkdir()
        self.values = {"bootstrap": bootstrap}
        self.classes = main_classes()
        class_path = f"{TESTS}/.cache/conformance-tools:{os.environ['TOOLS_CLASSPATH']}"
        log4j = f"-Dlog4j2.configurationFile={TESTS}/peer/log4j2-tool.xml"
        command = ["java", "-Djava.security.manager=allow", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", log4j, "-cp", class_path, "Tools"]
        self.log = open(workdir / "log", "w", encoding="utf-8")  # noqa: SIM115
        self.java = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, cwd=workdir)

    def ask(self, order):
        """One order to the JVM."""
        self.java.stdin.write(json.dumps(order).encode() + b"\n")
        self.java.stdin.flush()
        answer = self.java.stdout.readline()
        if not answer:
            raise RuntimeError(f"the JVM ended, see {self.log.name}")
        return json.loads(answer)

    def once(self, step):
        """Runs a step one time."""
        if step.tool == "wait":
            return self.ask({"wait": True})
        order = {
            "main": self.classes[step.tool],
            "arguments": [self.fill(argument) for argument in step.arguments],
            "input": step.input,
            "background": step.background,
        }
        return self.ask(order)

    def fill(self, argument):
        """An argument with its values."""
        return re.sub(r"\{(\w+)\}", lambda match: self.values[match[1]], argument)

    def run(self, step):
        """Runs a step until it shows what it must; its result."""
        if not step.tool:
            return self.pause()
        for name, content in step.files.items():
            (self.workdir / name).write_text(content, encoding="utf-8")
            self.values[name] = str(self.workdir / name)
        until = time.monotonic() + UNTIL_SECONDS_MAX
        while True:
            result = self.once(step)
            if not step.until or re.search(step.until, result.get("out", "")) or time.monotonic() > until:
                return result
            time.sleep(0.2)

    def pause(self):
        """Notes a time between two records."""
        time.sleep(0.05)
        now = datetime.datetime.now(datetime.timezone.utc)
        self.values["middle"] = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.values["middle_ms"] = str(int(now.timestamp() * 1000))
        time.sleep(0.05)
        return {"status": 0, "out": "", "err": ""}

    def all(self, todo):
        """The results of all steps, in order."""
        results = []
        for step in todo:
            began = time.monotonic()
            result = self.run(step)
            self.log.write(f"{time.monotonic() - began:6.1f} s {step.name}: {step.tool} {' '.join(step.arguments)}\n")
            self.log.flush()
            results.append({"status": 0, "out": "", "err": "", **result})
        self.java.stdin.close()
        self.java.wait(30)
        return results


def main():
    """Entry point."""
    workdir, wanted, found = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    todo = steps.everything()
    sides = [Tools(workdir / "wanted", wanted), Tools(workdir / "found", found)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lambda side: side.all(todo), sides))
    listed = compare.Listed()
    unlisted = 0
    for step, left, right in zip(todo, *results):
        shown = os.environ.get("TOOLS_ONLY")
        if shown and fnmatch.fnmatchcase(step.name, shown):
            print(f"== {step.name}: {step.tool} {' '.join(step.arguments)}\n{json.dumps(left, indent=1)}\n{json.dumps(right, indent=1)}")
        changes = [change for change in compare.differences(step, left, right) if not listed.covers(step.name, change)]
        if changes:
            unlisted += 1
            print(f"FAIL {step.name}: {step.tool} {' '.join(step.arguments)}")
            print("".join(f"     {change[:300]}\n" for change in changes[:12]), end="")
    stale = listed.stale()
    for entry in stale:
        print(f"FAIL listed, but it does not differ any more: {entry}")
    print(f"tools: {len(todo) - unlisted} passed, {unlisted + len(stale)} failed")
    sys.exit(1 if unlisted or stale else 0)


if __name__ == "__main__":
    main()
