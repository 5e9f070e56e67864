"""One peer in a process of its own: `worker.py PEER FOLDER`. Speaks what `tympan_side.rs` speaks.

Its first line is `ready` and, as JSON, the versions of what it uses and why a job of it is not available. FOLDER has a
folder for each network: the bundle, the sound and its windows, which tympan's side made, and the ONNX file.
"""

import gc
import importlib.metadata
import json
import os
import sys
from pathlib import Path

import jobs
import runtimes
from bundle import Bundle
from plan import GROUPS

WARM_UP_CALLS = 30


def _window(score):
    return lambda bundle, folder: jobs.WindowJob(score(bundle, folder), bundle, folder)


def _frames(job, name):
    def make(bundle, folder):
        import front_ends

        return job(getattr(front_ends, name)(bundle), bundle, folder)

    return make


def _pipeline(bundle, folder):
    return jobs.PipelineJob(runtimes.librosa_and_keras(bundle, folder), bundle, folder)


# peer: the packages whose versions count, and what it can do with a network
PEERS = {
    "torch": (["torch"], {
        "eager": _window(runtimes.torch_eager),
        "frozen": _window(runtimes.torch_frozen),
        "optimised": _window(runtimes.torch_optimised),
        "compiled": _window(runtimes.torch_compiled),
        "compiled_frozen": _window(runtimes.torch_compiled_frozen),
    }),
    "onnxruntime": (["onnxruntime"], {"window": _window(runtimes.onnx_runtime)}),
    "openvino": (["openvino"], {"window": _window(runtimes.openvino)}),
    "keras": (["keras", "tensorflow-cpu"], {
        "predict": _window(runtimes.keras_predict),
        "function": _window(runtimes.keras_function),
        "pipeline": _pipeline,
    }),
    "torchaudio": (["torchaudio"], {
        "frames": _frames(jobs.excerpt_job, "torchaudio_frames"),
        "frames_of_hop": _frames(jobs.hop_job, "torchaudio_frames"),
    }),
    "librosa": (["librosa"], {
        "frames": _frames(jobs.excerpt_job, "librosa_frames"),
        "frames_kept_bank": _frames(jobs.excerpt_job, "librosa_frames_kept_bank"),
        "frames_of_hop": _frames(jobs.hop_job, "librosa_frames"),
        "frames_of_hop_kept_bank": _frames(jobs.hop_job, "librosa_frames_kept_bank"),
    }),
}


def versions(packages: list[str]) -> dict:
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def make_jobs(peer: str, factories: dict, folder: Path) -> tuple[dict, dict]:
    """The jobs of the peer's rows, warm; and of those that cannot be done here, why."""
    made, missing = {}, {}
    for name in (row.job for group in GROUPS for row in group.rows if row.side == peer):
        network, work = name.split(".")
        try:
            job = factories[work](Bundle(folder / network / "bundle"), folder / network)
            for _ in range(WARM_UP_CALLS):
                job.call()
            made[name] = job
        except Exception as error:  # whatever a runtime fails with, the others go on
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            print(f"{name}: {error!r}", file=sys.stderr)
    return made, missing


def main() -> None:
    peer, folder = sys.argv[1], Path(sys.argv[2])
    # runtimes print what they like; the answers go where nothing else goes
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    packages, factories = PEERS[peer]
    made, missing = make_jobs(peer, factories, folder)
    print("ready", json.dumps({"versions": versions(packages), "missing": missing}), file=replies)
    gc.collect()
    gc.disable()
    for line in sys.stdin:
        command, name, *rest = line.rstrip("\n").split(" ", 3)
        if command == "time":
            print(*[made[name].call() for _ in range(int(rest[0]))], file=replies)
        else:
            made[name].answers(int(rest[0])).astype("<f4").tofile(rest[1])
            print("written", file=replies)


if __name__ == "__main__":
    main()
