"""What the scripts that measure share: a build, a gateway in a process of its own,
and the time of a command. Python's standard library alone."""

import json
import mmap
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "token-of-the-bench"


def build(arguments, name="convault"):
    """The program of this name that this build of cargo makes (a bench needs the others too)."""
    told = subprocess.run(
        ["cargo", *arguments, "--locked", "--message-format", "json"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.splitlines()
    made = [json.loads(line) for line in told]
    return Path([one["executable"] for one in made
                 if one.get("executable") and one["target"]["name"] == name][-1])


class Gateway:
    """A simulated gateway, until it is stopped."""

    def __init__(self, program, corpus):
        self.process = subprocess.Popen(
            [program, "simulate", *corpus, "--port", "0", "--token", TOKEN],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.url = None
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                self.url = found.group()
                break
        if self.url is None:
            sys.exit("the simulated gateway did not start")

    def seconds(self):
        """Processor seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def environment(self):
        return {"IMBRACE_ACCESS_TOKEN": TOKEN, "IMBRACE_GATEWAY_URL": self.url}

    def stop(self):
        self.process.terminate()
        self.process.wait()


def corpus_of(told):
    pairs = {"--conversations": told.conversations, "--messages": told.messages}
    return [str(part) for pair in pairs.items() for part in pair]


def write_ids(program, corpus, file):
    ids = subprocess.run(
        [program, "simulate", *corpus, "--ids"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    file.write_text(ids)


class TouchedMemory:
    """Memory that is touched now and let go of piece by piece, for files that grow meanwhile.

    The host of a virtual machine may give memory only when it is first touched, and take back what
    is free. To write to such memory takes several times as long, and a file that grows is always
    written to memory that was free. A process of its own holds it: what is begun by one that holds
    it would seem to have had it."""

    def __init__(self, gib):
        self.left, self.all = gib, gib
        self.pipe, its_end = multiprocessing.Pipe()
        self.holder = multiprocessing.Process(target=hold, args=(gib, its_end), daemon=True)
        self.holder.start()
        self.seconds = self.pipe.recv()

    def let_go(self, part):
        """Leaves so much to the files, as a part of all, and one GiB more."""
        while self.left and self.all - self.left < part * self.all + 1:
            self.left -= 1
            self.pipe.send(None)


def hold(gib, pipe):
    """Touches so many GiB, tells the seconds of each, and lets go of one whenever it is told to."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    held, seconds = [], []
    for _ in range(gib):
        start = time.monotonic()
        held.append(mmap.mmap(-1, 1 << 30, flags=flags))
        seconds.append(time.monotonic() - start)
    pipe.send(seconds)
    while held:
        pipe.recv()
        held.pop().close()


def timed(command, environment):
    """Seconds, processor seconds and MiB of a command; what it says if it fails."""
    start = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command], env={**os.environ, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.monotonic() - start
    if status != 0:
        sys.exit(f"{command} failed:\n{said}")
    return {
        "s": elapsed,
        "cpu s": usage.ru_utime + usage.ru_stime,
        "MiB": usage.ru_maxrss / 1024,
        "said": said,
    }


def spread(rounds):
    """The median of the seconds, and a cell that tells the least and the most."""
    seconds = sorted(figure["s"] for figure in rounds)
    median = statistics.median(seconds)
    return median, f"{median:.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})"


def most_memory(rounds):
    return max(figure["MiB"] for figure in rounds)


class Schema:
    """A schema of its own on the Postgres of scripts/postgres."""

    def __init__(self):
        self.url = os.environ.get("CONVAULT_TEST_POSTGRES_URL")
        if not self.url:
            sys.exit("no Postgres: run this by `scripts/postgres run`")

    def ask(self, sql):
        return subprocess.run(
            ["psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql, self.url],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ).stdout.strip()

    def begin(self, commands):
        """A psql of its own that runs these, one a line."""
        process = subprocess.Popen(
            ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.url], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )
        process.stdin.write(commands)
        process.stdin.close()
        return process

    def bytes_of(self, name):
        return int(self.ask(
            "select coalesce(sum(pg_total_relation_size(c.oid)), 0) from pg_class c "
            f"join pg_namespace n on n.oid = c.relnamespace where n.nspname = '{name}' "
            "and c.relkind = 'r'"))

    def drop(self, name):
        self.ask(f"drop schema if exists \"{name}\" cascade")
