"""What was measured, as Markdown; on request between the marks in docs/PERFORMANCE.md."""

import platform
import re
from pathlib import Path

from measure import Times
from plan import AIMS, GROUPS, Group
from side import Side

BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
ABSENT = "not available here"


def duration(nanoseconds: float) -> str:
    """Three digits and a unit."""
    unit, size = next((one for one in (("ms", 1e6), ("µs", 1e3)) if nanoseconds >= one[1]), ("ns", 1))
    return f"{nanoseconds / size:#.3g}".rstrip(".") + f" {unit}"


def times_faster(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 99.5 else f"{ratio:.1f}"


def group_table(group: Group, measured: dict, distances: dict) -> list[str]:
    lines = [
        f"### {group.title}", "", group.words, "",
        "| | p10 | median | p99 | times tympan's median | middle half of rounds | answers differ by |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    base: Times = measured[group.rows[0].key]
    for row in group.rows:
        times = measured.get(row.key)
        if times is None:
            lines.append(f"| {row.words} | {ABSENT} | | | | | |")
            continue
        ratio, low, high = times.ratio_to(base)
        spread = "" if times is base else f"{times_faster(low)} – {times_faster(high)}"
        apart = "" if times is base else f"{distances[row.key]:.0e} {group.unit}"
        own = " | ".join(duration(one) for one in (times.p10, times.median, times.p99))
        lines.append(f"| {row.words} | {own} | {times_faster(ratio)} | {spread} | {apart} |")
    return lines + [""]


def aims_table(measured: dict) -> list[str]:
    """Reached is what both the medians and the calls that nothing interrupted say is reached."""
    lines = [
        "### What tympan is to reach", "", "| | to reach | by median | by p10 | |", "|---|--:|--:|--:|---|",
    ]
    for aim in AIMS:
        peers = [measured[key] for key in aim.peers if key in measured]
        if not peers:
            lines.append(f"| {aim.words} | {aim.times:g} times | {ABSENT} | | |")
            continue
        base = measured[GROUPS[aim.group].rows[0].key]
        by_median = min(peer.median for peer in peers) / base.median
        by_p10 = min(peer.p10 for peer in peers) / base.p10
        verdict = "reached" if min(by_median, by_p10) >= aim.times else "not reached"
        both = f"{times_faster(by_median)} | {times_faster(by_p10)}"
        lines.append(f"| {aim.words} | {aim.times:g} times | {both} | {verdict} |")
    return lines + [""]


def machine() -> str:
    """The processor, as Linux knows it."""
    found = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    model = found.get("model name", platform.machine())
    detail = f"family {found.get('cpu family', '?')}, model {found.get('model', '?')}"
    wide = "with" if "avx512f" in found.get("flags", "") else "without"
    return f"{model} ({detail}; {wide} AVX-512)"


def versions(sides: dict[str, Side]) -> str:
    found = {name: version for side in sides.values() for name, version in side.versions.items()}
    found["Python"] = platform.python_version()
    return ", ".join(f"{name} {version}" for name, version in found.items())


def text(sides: dict[str, Side], measured: dict, distances: dict, circumstances: str) -> str:
    """All tables under their head."""
    lines = [
        f"Measured on {machine()}, one thread each, all on the same core. {circumstances}", "",
        f"tympan against {versions(sides)}.", "",
    ]
    for group in GROUPS:
        lines += group_table(group, measured, distances)
    missing = [
        f"- {row.words}: {why}"
        for group in GROUPS for row in group.rows
        if row.key not in measured and (why := reason(sides, row.side, row.job))
    ]
    lines += aims_table(measured) + (["Not available here:", "", *missing, ""] if missing else [])
    return "\n".join(lines).rstrip() + "\n"


def reason(sides: dict, side: str, job: str) -> str:
    return sides[side].missing.get(job, "") if side in sides else f"{side} could not be started"


def write(path: Path, section: str) -> None:
    """Puts the section between the marks; what stands outside them stays."""
    whole = path.read_text()
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if len(between.findall(whole)) != 1:
        raise ValueError(f"{path}: expected {BEGIN} and, after it, {END}")
    path.write_text(between.sub(lambda _: f"{BEGIN}\n{section}{END}", whole))
