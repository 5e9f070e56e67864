"""One side of the comparison: a process on one core that is asked by lines and answers by lines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from plan import NETWORKS

HERE = Path(__file__).parent

# what the runtimes take their numbers of threads from, besides what the code tells them
ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TORCHINDUCTOR_COMPILE_THREADS",
    )
}


class SideFailed(Exception):
    """The process ended; its last words are the message."""


class Side:
    """A running side. `missing` says of each job that it cannot do why."""

    def __init__(self, name: str, command: list, folder: Path, core: int | None):
        self.name = name
        self.log = folder / f"{name}.log"
        environment = os.environ | ONE_THREAD | {
            "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow",
            "KERAS_HOME": str(folder), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
            "NUMBA_CACHE_DIR": str(folder / "numba"),
        }
        self.process = subprocess.Popen(
            list(map(str, command)), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log.open("w"), text=True, bufsize=1,
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )
        said = json.loads(self.read().removeprefix("ready") or "{}")
        self.versions = said.get("versions", {})
        self.missing = said.get("missing", {})

    def read(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            words = self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise SideFailed(f"{self.name} ended: {words[-1][:200]}")
        return line.rstrip("\n")

    def ask(self, line: str) -> str:
        try:
            self.process.stdin.write(line + "\n")
        except BrokenPipeError:
            pass  # it ended, and `read` says with which words
        return self.read()

    def times(self, job: str, calls: int) -> np.ndarray:
        """Nanoseconds of each call."""
        return np.array(self.ask(f"time {job} {calls}").split(), np.float64)

    def answers(self, job: str, every: int, folder: Path) -> np.ndarray:
        """What the job says of every `every`-th window, or of the whole sound."""
        file = folder / f"{self.name}.{job}.f32"
        self.ask(f"answers {job} {every} {file}")
        return np.fromfile(file, "<f4")

    def interruptions(self) -> int:
        """How often any of its threads had to leave the core to something else."""
        found = 0
        for status in Path(f"/proc/{self.process.pid}/task").glob("*/status"):
            for line in status.read_text().splitlines():
                if line.startswith("nonvoluntary_ctxt_switches:"):
                    found += int(line.split()[1])
        return found

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def tympan(program: Path, folder: Path, core: int | None) -> Side:
    """tympan's own side, which fills the folder of each network with the sound and its windows."""
    return Side("tympan", [program, "serve", *(folder / network for network in NETWORKS)], folder, core)


def peer(name: str, folder: Path, core: int | None) -> Side:
    return Side(name, [sys.executable, HERE / "worker.py", name, folder], folder, core)
