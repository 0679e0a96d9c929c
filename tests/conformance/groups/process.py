"""One group member as a process of its client, whose lines are gathered while it runs."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

CLIENTS = pathlib.Path(__file__).resolve().parent.parent
LEAVE_SECONDS_MAX = 30
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def end_with_the_driver():
    """Runs in a new member: it is killed when the driver ends, however that comes."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Member:
    """A running member; what it owns is what its lines said last."""

    def __init__(self, name, client, options, history, log):
        self.name = name
        self.history = history
        self.owned = set()
        self.closed = False
        self.log = log
        with open(log, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                [CLIENTS / client / "run", "member", json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                preexec_fn=end_with_the_driver,
            )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for text in self.process.stdout:
            if not text.endswith(b"\n") or not text.startswith(b"{"):
                continue  # cut short by SIGKILL, or a client that speaks to standard output
            line = json.loads(text)
            self.history.add(self.name, line)
            if line["e"] == "assigned":
                self.owned |= set(line["p"])
            elif line["e"] in ("revoked", "lost"):
                self.owned -= set(line["p"])
            self.closed = self.closed or line["e"] == "closed"

    def _end(self):
        self.process.wait(LEAVE_SECONDS_MAX)
        self.reader.join(LEAVE_SECONDS_MAX)
        self.owned = set()
        self.history.add(self.name, {"t": time.time() * 1000, "e": "ended"})

    def kill(self):
        """SIGKILL: the group must find out by itself."""
        self.process.kill()
        self._end()

    def ask_to_leave(self):
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def leave(self):
        """Waits for the end of a member that was asked to leave; what was wrong with it, or nothing."""
        try:
            self._end()
        except subprocess.TimeoutExpired:
            self.kill()
            return f"member {self.name} still ran {LEAVE_SECONDS_MAX} s after SIGTERM: {self.last_words()}"
        if not self.closed:
            return f"member {self.name} ended with {self.process.returncode} and did not close: {self.last_words()}"
        return None

    def is_gone(self):
        """Whether it ended by itself."""
        return self.process.poll() is not None

    def last_words(self):
        """The end of its standard error."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(max(0, os.path.getsize(self.log) - 600))
            return " | ".join(file.read().splitlines()[-4:])
