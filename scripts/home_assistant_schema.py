#!/usr/bin/env python3
"""Holds tympan's announcements to the schemas of Home Assistant, as its own MQTT integration checks them.

    mosquitto_sub -t 'homeassistant/device/+/config' -C 1 > announcement.json    # while tympan runs
    scripts/home_assistant_schema.py announcement.json...

The exit code is the number of faults. Needs Python 3.13 or newer with the package homeassistant; says so, and exits with 0,
where they are missing (with 1 where CI is set, where nothing is skipped). A few of its dependencies are enough:

    python3.13 -m venv ha && ha/bin/pip install --no-deps homeassistant==2025.4.4
    # then the packages that the import asks for
"""

import asyncio
import importlib
import json
import os
import sys
import tempfile


def skipped(why):
    print(f"skipped: {why}", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


async def faults(path):
    """The faults of one announcement, each printed."""
    from homeassistant import core
    from homeassistant.components.mqtt import discovery, schemas
    from homeassistant.helpers import frame

    frame.async_setup(core.HomeAssistant(tempfile.mkdtemp()))
    with open(path, encoding="utf-8") as file:
        payload = json.load(file)
    discovery._replace_all_abbreviations(payload)
    try:
        device = schemas.DEVICE_DISCOVERY_SCHEMA(payload)
    except Exception as fault:  # a schema's own kind of error, which differs between versions
        print(f"{path}: {fault}")
        return 1
    found, checked = [], 0
    for name, component in device["components"].items():
        # only to drop an entity that is no more
        if set(component) == {"platform"}:
            continue
        component = dict(component, device=device["device"], origin=device["origin"])
        platform = component.pop("platform")
        for key in schemas.SHARED_OPTIONS:
            if key in device:
                component.setdefault(key, device[key])
        schema = importlib.import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA
        checked += 1
        try:
            schema(component)
        except Exception as fault:  # as above
            found.append(f"{path}: {name} ({platform}): {fault}")
    print("\n".join(found) or f"{path}: {checked} components, no fault")
    return len(found)


def main(paths):
    if sys.version_info < (3, 13):
        return skipped("Home Assistant needs Python 3.13")
    try:
        import homeassistant.components.mqtt.schemas  # noqa: F401
    except ImportError as error:
        return skipped(f"Home Assistant cannot be imported ({error})")
    return sum(asyncio.run(faults(path)) for path in paths)


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    sys.exit(min(main(sys.argv[1:]), 100))
