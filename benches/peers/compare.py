"""The comparison: starts all sides, checks that they agree, times them and prints the tables. `run.sh` calls it."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import measure
import report
import side
from plan import GROUPS, NETWORKS

REPOSITORY = Path(__file__).parents[2]
# of calls; beyond it, the slowest hundredth is that of the interrupted ones
TOLERABLE_INTERRUPTIONS = 0.005
PERFORMANCE = REPOSITORY / "docs" / "PERFORMANCE.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/peers/run.sh", description=__doc__)
    parser.add_argument("--model", type=Path, default=REPOSITORY / "models/esc50", help="a bundle with a verifier")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each row (40: about three minutes)")
    parser.add_argument("--write", action="store_true", help="also write the tables into docs/PERFORMANCE.md")
    parser.add_argument("--tympan", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def measuring_core() -> int | None:
    """The last core this process may use, where there is a choice; the others are left to the rest of the machine."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))


def lay_out(folder: Path, model: Path) -> None:
    """A folder for each network, with its bundle."""
    bundles = (REPOSITORY / "benches/peers/crnn", model, model / "verifier")
    for network, bundle in zip(NETWORKS, bundles, strict=True):
        (folder / network).mkdir()
        (folder / network / "bundle").symlink_to(bundle.resolve())


def start_all(stack: ExitStack, options: argparse.Namespace, folder: Path) -> dict[str, side.Side]:
    """tympan first, for it makes the sound that the others hear."""
    core = measuring_core()
    print("starting tympan", file=sys.stderr)
    sides = {"tympan": side.tympan(options.tympan, folder, core)}
    stack.callback(sides["tympan"].close)
    export = [sys.executable, Path(__file__).parent / "torch_network.py", *(folder / network for network in NETWORKS)]
    if subprocess.run(list(map(str, export)), stdout=sys.stderr, check=False).returncode:
        print("without PyTorch there is no ONNX file: ONNX Runtime and OpenVINO are left out", file=sys.stderr)
    for name in dict.fromkeys(row.side for group in GROUPS for row in group.rows if row.side != "tympan"):
        print(f"starting {name} and warming it up", file=sys.stderr)
        peer = measure.start(lambda name=name: side.peer(name, folder, core), name)
        if isinstance(peer, side.Side):
            sides[name] = peer
            stack.callback(peer.close)
    return sides


def measure_all(sides: dict[str, side.Side], rounds: int) -> tuple[dict, str]:
    """The times, and under which circumstances they were measured."""
    begun, load_before = time.monotonic(), os.getloadavg()[0]
    interrupted_before = sides["tympan"].interruptions()
    measured = measure.measure(sides, rounds)
    minutes = (time.monotonic() - begun) / 60
    # of the side that has one thread only: threads of one process also interrupt each other
    calls = sum(len(times.calls) for (name, _), times in measured.items() if name == "tympan")
    interruptions = sides["tympan"].interruptions() - interrupted_before
    circumstances = (
        f"{rounds} rounds in {minutes:.1f} minutes; in each, every row has one turn of some calls. `make bench-peers` "
        f"measures again. Load of the machine's {os.cpu_count()} cores: {load_before:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after; in {calls} calls, tympan had to leave the core {interruptions} times."
    )
    if interruptions > calls * TOLERABLE_INTERRUPTIONS:
        circumstances += (
            " **That is too often to judge:** other work ran on this core. Every p99 is the other work's, and the "
            "longer a call, the more its median has of it; p10 has least."
        )
    return measured, circumstances


def main() -> int:
    options = arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tympan-peers-")))
        lay_out(folder, options.model)
        sides = start_all(stack, options, folder)
        print("comparing answers", file=sys.stderr)
        distances, faults = measure.check(sides, folder)
        if faults:
            print("the sides do not agree, so nothing is timed:", *faults, sep="\n  ", file=sys.stderr)
            return 1
        measured, circumstances = measure_all(sides, options.rounds)
        section = report.text(sides, measured, distances, circumstances)
        print(section)
        if options.write:
            report.write(PERFORMANCE, section)
            print(f"written to {PERFORMANCE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except side.SideFailed as failure:
        sys.exit(f"nothing is reported: {failure}")
