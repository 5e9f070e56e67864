#!/usr/bin/env python3
"""Prints the terms of every crate that is linked into tympan, each text once; packages bring it along.

third_party.py TRIPLE [CARGO-FEATURE-OPTION…]      run in the root of the repository, after a build
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

if len(sys.argv) < 2:
    sys.exit(__doc__)
triple, *features = sys.argv[1:]
command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", triple, *features]
metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

# what the program is linked from: no build scripts, no macros, no tests
root = metadata["resolve"]["root"]
linked, waiting = set(), [root]
while waiting:
    node = waiting.pop()
    if node in linked or any("proc-macro" in it["kind"] for it in packages[node]["targets"]):
        continue
    linked.add(node)
    for dependency in nodes[node]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            waiting.append(dependency["pkg"])
linked.discard(root)

terms = re.compile(r"(un)?licen[cs]e|copying|copyright|notice|.*\bofl\b|ufl", re.IGNORECASE)
texts = collections.defaultdict(list)
print("tympan is linked from these crates, under these terms. The texts follow.\n")
for package in sorted((packages[node] for node in linked), key=lambda it: (it["name"], it["version"])):
    name = f"{package['name']} {package['version']}"
    print(f"{name}: {package['license']}; {package['repository'] or package['homepage'] or 'no address given'}")
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.rglob("*")):
        depth = len(path.relative_to(folder).parts)
        if path.is_file() and depth <= 2 and terms.match(path.name) and path.suffix not in (".rs", ".html", ".py"):
            text = path.read_text(encoding="utf-8", errors="replace").strip().replace("\r\n", "\n")
            if text and name not in texts[text]:
                texts[text].append(name)
for text, names in sorted(texts.items(), key=lambda it: it[1]):
    print("\n" + "=" * 80 + "\n" + ", ".join(names) + "\n" + "-" * 80 + "\n" + text)
