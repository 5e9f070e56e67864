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
from plan import GROUPS

REPOSITORY = Path(__file__).parents[2]
PERFORMANCE = REPOSITORY / "docs" / "PERFORMANCE.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/peers/run.sh", description=__doc__)
    parser.add_argument("--model", type=Path, default=REPOSITORY / "models/esc50", help="a bundle of kind crnn")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each row (40: about four minutes)")
    parser.add_argument("--write", action="store_true", help="also write the tables into docs/PERFORMANCE.md")
    parser.add_argument("--tympan", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def measuring_core() -> int | None:
    """The last core this process may use, where there is a choice; the others are left to the rest of the machine."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))


def start_all(stack: ExitStack, options: argparse.Namespace, folder: Path) -> dict[str, side.Side]:
    """tympan first, for it makes the sound that the others hear."""
    core = measuring_core()
    print("starting tympan", file=sys.stderr)
    sides = {"tympan": side.tympan(options.tympan, options.model, folder, core)}
    stack.callback(sides["tympan"].close)
    export = [sys.executable, Path(__file__).parent / "torch_network.py", options.model, folder / "network.onnx"]
    if subprocess.run(list(map(str, export)), stdout=sys.stderr, check=False).returncode:
        print("without PyTorch there is no ONNX file: ONNX Runtime and OpenVINO are left out", file=sys.stderr)
    for name in dict.fromkeys(row.side for group in GROUPS for row in group.rows if row.side != "tympan"):
        print(f"starting {name} and warming it up", file=sys.stderr)
        peer = measure.start(lambda name=name: side.peer(name, options.model, folder, core), name)
        if isinstance(peer, side.Side):
            sides[name] = peer
            stack.callback(peer.close)
    return sides


def main() -> int:
    options = arguments()
    options.model = options.model.resolve()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tympan-peers-")))
        sides = start_all(stack, options, folder)
        print("comparing answers", file=sys.stderr)
        distances, faults = measure.check(sides, folder)
        if faults:
            print("the sides do not agree, so nothing is timed:", *faults, sep="\n  ", file=sys.stderr)
            return 1
        begun, busy_before = time.monotonic(), os.getloadavg()[0]
        measured = measure.measure(sides, options.rounds)
        minutes = (time.monotonic() - begun) / 60
        circumstances = (
            f"{options.rounds} rounds in {minutes:.1f} minutes; in each, every row has one turn of some calls. Load of the "
            f"machine's {os.cpu_count()} cores: {busy_before:.1f} before, {os.getloadavg()[0]:.1f} after. "
            f"`make bench-peers` measures again."
        )
        section = report.text(sides, measured, distances, circumstances)
        print(section)
        if options.write:
            report.write(PERFORMANCE, section)
            print(f"written to {PERFORMANCE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
