"""How long a chat waits for the picture of a link: 1200 x 630 pixels of a whole deployment, and of its best view.

Usage: python3 bench_previews.py DEMO [PROGRAM ...]   (without programs the one that SPYHOP names)

Every link is new to the server (it names another gain, which no picture shows), so that each is painted.
Several programs are asked in turns. Cold is the first after the recordings were dropped from the system's
file cache; time of cores is what the server took, kernel included, over the warm ones.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from conftest import SPYHOP

TURNS = 15
COLD_TURNS = 3
TICKS_A_S = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(program, demo):
    """A server of the demo; its address and its process."""
    with tempfile.TemporaryDirectory() as state:
        command = [program, "serve", "--listen", "127.0.0.1:0", "--data", demo, "--state", state]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            try:
                lines = iter(server.stdout.readline, "")
                yield next(line.split()[1] for line in lines if line.startswith("Open ")), server.pid
            finally:
                server.terminate()


def got(url):
    """The bytes of an answer."""
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def rest(address):
    """Waits until the server makes nothing by itself."""
    while True:
        time.sleep(2)
        if all(job["state"] in ("done", "failed") for job in json.loads(got(f"{address}api/v1/jobs"))["jobs"]):
            return


def cores_s(pid):
    """Seconds of cores that a process has taken."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_S


def forget(demo):
    """Drops the recordings from the system's file cache."""
    for path in pathlib.Path(demo).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Asked:
    """Pictures that one server was asked for."""

    def __init__(self, address, pid):
        self.address, self.pid, self.links = address, pid, 0

    def picture(self, query):
        """Milliseconds until a picture is there, of cores, and its bytes."""
        self.links += 1
        begun, before = time.perf_counter(), cores_s(self.pid)
        png = got(f"{self.address}api/v1/view/preview.png?{query}&gain={self.links / 100:.2f}")
        return 1e3 * (time.perf_counter() - begun), 1e3 * (cores_s(self.pid) - before), len(png)


def main(demo, programs):
    print("| picture | program | warm, median | warm, 90 % | cold | time of cores | kB |")
    print("|---|---|--:|--:|--:|--:|--:|")
    with contextlib.ExitStack() as stack:
        asked = [Asked(*stack.enter_context(served(program, demo))) for program in programs]
        for one in asked:
            rest(one.address)
        deployments = json.loads(got(f"{asked[0].address}api/v1/deployments"))["deployments"]
        for deployment in deployments:
            whole = f"v=1&src=set:{deployment['id']}"
            for what, query in ((f"all of {deployment['id']}", whole),
                                (f"all of {deployment['id']}, folded", f"{whole}&gaps=collapsed"),
                                (f"best view of {deployment['id']}", f"{whole}&{deployment['best_view'].partition('&')[2]}")):
                cold = [[] for _ in asked]
                for _ in range(COLD_TURNS):
                    for one, times in zip(asked, cold):
                        forget(demo)
                        times.append(one.picture(query)[0])
                warm = [[] for _ in asked]
                for _ in range(TURNS):
                    for one, figures in zip(asked, warm):
                        figures.append(one.picture(query))
                for program, slow, figures in zip(programs, cold, warm):
                    waited = sorted(ms for ms, _, _ in figures)
                    print(f"| {what} | {pathlib.Path(program).name} | {statistics.median(waited):.0f} ms "
                          f"| {waited[int(0.9 * (len(waited) - 1))]:.0f} ms | {statistics.median(slow):.0f} ms "
                          f"| {statistics.mean(ms for _, ms, _ in figures):.0f} ms | {figures[-1][2] / 1e3:.0f} |",
                          flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or [str(SPYHOP)])
