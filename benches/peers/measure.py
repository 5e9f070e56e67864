"""Checks that all sides say the same, then times them in turn."""

import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plan import GROUPS, Row
from side import Side, SideFailed

# every so many-th window is scored by all sides to compare
CHECK_EVERY = 8

# calls at the start of each turn that do not count: the caches still hold what the side before used
SETTLING_CALLS = 3


@dataclass
class Times:
    """Nanoseconds of all calls of a row, and the median of each round."""

    calls: np.ndarray
    rounds: np.ndarray

    @property
    def median(self) -> float:
        return float(np.median(self.calls))

    @property
    def p10(self) -> float:
        """What a call takes that nothing interrupts; on a busy machine most long ones are interrupted."""
        return float(np.percentile(self.calls, 10))

    @property
    def p99(self) -> float:
        return float(np.percentile(self.calls, 99))

    def ratio_to(self, base: "Times") -> tuple[float, float, float]:
        """Of the medians; and between what it was in the middle half of the rounds."""
        low, high = np.percentile(self.rounds / base.rounds, [25, 75])
        return self.median / base.median, float(low), float(high)


def available(sides: dict[str, Side], row: Row) -> bool:
    return row.side in sides and row.job not in sides[row.side].missing


def check(sides: dict[str, Side], folder: Path) -> tuple[dict, list[str]]:
    """How far each row's answers are from tympan's reference, and what is too far."""
    distances, faults = {}, []
    for group in GROUPS:
        reference = None
        for row in group.rows:
            if not available(sides, row):
                continue
            answers = sides[row.side].answers(row.job, CHECK_EVERY, folder)
            reference = answers if reference is None else reference
            if answers.shape != reference.shape:
                faults.append(f"{row.words}: {answers.size} numbers; expected {reference.size}")
                continue
            distance = float(np.abs(answers - reference).max())
            distances[row.key] = distance
            # written so that NaN fails
            if not distance <= group.tolerance:
                faults.append(f"{row.words}: {distance:.2g} {group.unit} off; at most {group.tolerance} is accepted")
    return distances, faults


def measure(sides: dict[str, Side], rounds: int) -> dict[tuple[str, str], Times]:
    """Every round each row has its turn, in an order of its own."""
    rows = [row for group in GROUPS for row in group.rows if available(sides, row)]
    turns = {row.key: [] for row in rows}
    shuffle = random.Random(1)
    for done in range(rounds):
        shuffle.shuffle(rows)
        for row in rows:
            times = sides[row.side].times(row.job, SETTLING_CALLS + row.calls)
            turns[row.key].append(times[SETTLING_CALLS:])
        if sys.stderr.isatty():
            print(f"\rround {done + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(f"\r{rounds} rounds done", file=sys.stderr)
    return {
        key: Times(np.concatenate(calls), np.array([np.median(turn) for turn in calls]))
        for key, calls in turns.items()
    }


def start(make, name: str) -> Side | SideFailed:
    """A side, or why it cannot run here."""
    try:
        return make()
    except (SideFailed, OSError) as error:
        print(f"{name} is left out: {error}", file=sys.stderr)
        return SideFailed(str(error))
