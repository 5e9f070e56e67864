#!/usr/bin/env python3
"""Runs Home Assistant itself, without a screen, beside a broker and tympan, and reads from it what its users see: the
device, each entity with its states before, during and after a sound, and what becomes of them when tympan is killed, starts
again or stops, when Home Assistant starts again, and when the broker loses everything that it retained. The automation of
docs/HOME-ASSISTANT.md runs meanwhile, and has to notify once for each sound.

    python3.13 -m venv ha && ha/bin/pip install homeassistant==2025.4.4 paho-mqtt==2.1.0 home-assistant-frontend==20250411.0
    ha/bin/python scripts/home_assistant_live.py target/release/tympan [RECORDING LABEL]

By default the sound is the siren of the demo; a RECORDING is played again and again, and needs pauses between sounds of
LABEL. The exit code is the number of faults; a warning of Home Assistant about MQTT is one. Needs mosquitto, and Python
3.13 or newer with the packages above; says so, and exits with 0, where one is missing (with 1 where CI is set, where
nothing is skipped).
"""

import asyncio
import contextlib
import json
import logging
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
PROJECT = pathlib.Path(__file__).resolve().parent.parent
MODEL = PROJECT / "models" / "esc50"
TOPIC = "tympan/desk"


def skipped(why):
    print(f"skipped: {why}", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


def free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


class Warnings(logging.Handler):
    """Keeps what Home Assistant warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(f"{record.levelname} {record.name}: {record.getMessage()}")


class Broker:
    """A mosquitto that forgets everything when it dies."""

    def __init__(self, folder):
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.start()

    def start(self):
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen([program, "-c", str(self.config)], stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Daemon:
    """A tympan that can be started again."""

    def __init__(self, program, folder, port, recording):
        self.program, self.folder, self.port, self.recording = program, folder, port, recording
        self.process = None

    def start(self, labels):
        source = '[source]\nkind = "demo"\n'
        if self.recording:
            path = json.dumps(os.path.abspath(self.recording))
            source = f'[[input]]\nname = "recording"\nkind = "file"\n[input.file]\npath = {path}\nrepeat = true\n'
        config = self.folder / "tympan.toml"
        config.write_text(
            f"model = {json.dumps(str(MODEL))}\n{source}[output.stdout]\nenabled = false\n[output.mqtt]\nenabled = true\n"
            f'address = "127.0.0.1:{self.port}"\ntopic = "{TOPIC}"\nlabels = {json.dumps(labels)}\n'
        )
        with open(self.folder / "tympan.log", "ab") as log:
            self.process = subprocess.Popen([self.program, "run", "--config", str(config)], stderr=log)

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait()


class Seen:
    """What Home Assistant has of tympan, and each change of it, printed."""

    def __init__(self, hass):
        from homeassistant import core

        self.hass = hass
        self.changes = []
        self.notified = []
        self.began = time.monotonic()
        hass.bus.async_listen("state_changed", core.callback(lambda event: self.changed(event)))
        hass.services.async_register("notify", "notify", core.callback(lambda call: self.notify(call)))

    def changed(self, event):
        entity, new = event.data["entity_id"], event.data["new_state"]
        if "tympan" not in entity:
            return
        value = new.state if new else "removed"
        old = event.data["old_state"]
        # attributes alone
        if old and old.state == value:
            return
        kind = new.attributes.get("event_type") if new else None
        self.changes.append((entity, value, kind))
        print(f"  {time.monotonic() - self.began:6.2f} s  {entity} = {value}" + (f" ({kind})" if kind else ""))

    def now(self):
        return {state.entity_id: state.state for state in self.hass.states.async_all() if "tympan" in state.entity_id}

    def mark(self):
        """Where the changes so far end."""
        return len(self.changes)

    def notify(self, call):
        """Takes the place of a telephone."""
        self.notified.append(call.data["message"])
        print(f"  {time.monotonic() - self.began:6.2f} s  notified: {call.data['message']}")

    def since(self, mark, entity):
        return [value for changed, value, _ in self.changes[mark:] if changed == entity]


class Check:
    """Counts what is not as it should be."""

    def __init__(self):
        self.faults = 0

    def that(self, holds, what):
        print(("ok    " if holds else "FAULT ") + what)
        self.faults += not holds

    async def until(self, holds, what):
        deadline = time.monotonic() + PATIENCE_S
        while not holds() and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        self.that(holds(), what)


async def start_home_assistant(folder):
    from homeassistant import block_async_io, bootstrap, runner

    async def no_screen(*_):
        pass

    # what it logs goes to `Warnings` alone; and it would report this script's own files as blocking calls
    bootstrap.async_enable_logging, block_async_io.enable = no_screen, lambda: None
    config = runner.RuntimeConfig(config_dir=str(folder), skip_pip=True)
    hass = await bootstrap.async_setup_hass(config)
    await hass.async_start()
    return hass


async def add_mqtt(hass, port):
    """Adds the integration as a person does: in its own form, which tries the broker."""
    flow = await hass.config_entries.flow.async_init("mqtt", context={"source": "user"})
    answer = {"broker": "127.0.0.1", "port": port}
    return await hass.config_entries.flow.async_configure(flow["flow_id"], answer)


async def live(program, recording, label):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tympan-ha-"))
    home = folder / "home"
    home.mkdir()
    source = "recording" if recording else "demo"
    device = f"tympan_desk_{source}"
    http = {"server_host": "127.0.0.1", "server_port": free_port()}
    configuration = {"http": http, "automation": [documented_automation(device, label)]}
    (home / "configuration.yaml").write_text(json.dumps(configuration))
    check, warnings = Check(), Warnings()
    broker = Broker(folder)
    daemon = Daemon(program, folder, broker.port, recording)
    logging.getLogger().addHandler(warnings)
    hass = await start_home_assistant(home)
    check.that(not hass.config.recovery_mode, f"Home Assistant {home_assistant_version()} starts")
    try:
        seen = Seen(hass)
        added = await add_mqtt(hass, broker.port)
        check.that(added["type"] == "create_entry", "Home Assistant adds the integration MQTT with this broker")

        print("\ntympan starts")
        daemon.start([label])
        await check.until(lambda: len(seen.now()) == 5, "the device appears by itself")
        described(hass, check, f"tympan desk {source}")
        parts = ("sound", "last", "level", "problem", f"label_{label}")
        everything = [entity_id(hass, f"{device}_{part}") for part in parts]
        check.that(set(everything) == set(seen.now()), "with the entities that are documented")
        sound, last, level, problem, of_label = everything
        await check.until(lambda: seen.now()[of_label] == "off", f"{label} is off before the sound")
        check.that(seen.now()[problem] == "off", "there is no listening problem")
        mark = seen.mark()
        await check.until(lambda: "on" in seen.since(mark, of_label), f"{label} turns on with the sound")
        await check.until(
            lambda: (state := hass.states.get(sound)) and state.attributes.get("event_type") == label,
            "the event entity has the label as its type",
        )
        attributes = hass.states.get(sound).attributes
        check.that(0 < attributes.get("score", 0) <= 1, f"with its record as attributes: {record_of(attributes)}")
        await check.until(lambda: seen.since(mark, of_label)[-1] == "off", f"{label} turns off after it")
        await check.until(lambda: seen.now()[last] == label, "and it is the last sound")
        await check.until(lambda: -120 < number(seen.now()[level]) < 0, "the level is a number")
        is_new = "now() - as_datetime(states.%s.attributes.time) < timedelta(minutes=2)" % sound
        check.that(templated(hass, "{{ %s }}" % is_new) == "True", f"a template has it as new: {is_new}")

        print("\nkill -9 while it sounds")
        await check.until(lambda: seen.now()[of_label] == "on", f"{label} sounds again")
        daemon.end(signal.SIGKILL)
        gone = lambda: all(seen.now().get(entity) == "unavailable" for entity in everything)
        back = lambda: all(seen.now().get(entity, "unavailable") != "unavailable" for entity in everything)
        await check.until(gone, "the last will makes every entity unavailable")

        print("\ntympan starts again")
        mark = seen.mark()
        daemon.start([label])
        await check.until(back, "every entity is available")
        check.that(seen.since(mark, of_label)[:1] == ["off"], f"{label}, left on by the crash, comes back as off")
        check.that(not duplicates(hass), "and there is still one device")
        count = onsets(seen, sound, label)
        check.that(len(seen.notified) == count, f"the automation has notified {len(seen.notified)} times of {count} sounds")

        print("\nHome Assistant starts again")
        # the end of a process would close its connection
        for entry in hass.config_entries.async_entries("mqtt"):
            await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_stop(force=True)
        hass = await start_home_assistant(home)
        seen = Seen(hass)
        await check.until(back, "every entity is available")
        mark = seen.mark()
        await check.until(lambda: "on" in seen.since(mark, of_label), f"and {label} turns on with the next sound")

        print("\nHome Assistant says on its birth topic that it has started")
        from homeassistant.components import mqtt

        announced = []
        await mqtt.async_subscribe(hass, "homeassistant/device/+/config", announced.append)
        await asyncio.sleep(1)
        announced.clear()
        await mqtt.async_publish(hass, "homeassistant/status", "online")
        await check.until(lambda: announced, "tympan sends the announcement again")

        print("\nthe broker dies and has forgotten everything")
        broker.kill()
        await check.until(gone, "every entity is unavailable")
        broker.start()
        await check.until(back, "every entity is available")
        mark = seen.mark()
        await check.until(lambda: "on" in seen.since(mark, of_label), f"and {label} turns on with the next sound")

        print("\ntympan stops, and starts without labels of their own")
        mark = seen.mark()
        check.that(daemon.end(signal.SIGTERM) == 0, "tympan stops")
        await check.until(gone, "every entity is unavailable")
        daemon.start([])
        await check.until(lambda: of_label not in seen.now(), f"the entity of {label} is gone")
        await check.until(lambda: seen.now()[sound] != "unavailable", "the others are available")
        # the first state is of a sound before Home Assistant started again
        count = onsets(seen, sound, label) - 1
        check.that(len(seen.notified) == count, f"the automation has notified {len(seen.notified)} times of {count} sounds")
        check.that("on" not in seen.since(0, problem), "a stop is no listening problem")

        print("\nits announcement is sent empty")
        daemon.end(signal.SIGTERM)
        await mqtt.async_publish(hass, f"homeassistant/device/{device}/config", "", retain=True)
        await check.until(lambda: not seen.now(), "device and entities are gone")
    finally:
        if daemon.process and daemon.process.poll() is None:
            daemon.process.kill()
        await hass.async_stop(force=True)
        broker.kill()
    print()
    of_interest = [message for message in warnings.messages if "mqtt" in message.lower() or "tympan" in message]
    # what it says of the connections that end above
    expected = ("Disconnected from", "Failed to connect to", "Error returned from", "mqtt_broker_error")
    complaints = [message for message in of_interest if not any(word in message for word in expected)]
    check.that(not complaints, "Home Assistant warns of nothing" + "".join(f"\n  {it}" for it in complaints))
    others = [message for message in warnings.messages if message not in of_interest]
    print("\nbeside MQTT it warned:", *(others or ["nothing"]), sep="\n  ")
    shutil.rmtree(folder)
    return check.faults


def documented_automation(device, label):
    """The first block of YAML in the documentation, for this device and label."""
    import yaml

    text = (PROJECT / "docs" / "HOME-ASSISTANT.md").read_text(encoding="utf-8")
    text = text.split("```yaml\n")[1].split("```")[0]
    return yaml.safe_load(text.replace("tympan_desk_mic", device).replace("siren", label))


def onsets(seen, sound, label):
    """How often the label has begun to sound, as the event entity has it: a state that it comes back with is none."""
    return len({value for entity, value, kind in seen.changes if entity == sound and kind == label})


def record_of(attributes):
    of_entity = ("event_types", "friendly_name", "icon")
    return {name: value for name, value in attributes.items() if name not in of_entity}


def number(text):
    with contextlib.suppress(ValueError):
        return float(text)
    return float("nan")


def templated(hass, text):
    from homeassistant.helpers.template import Template

    return Template(text, hass).async_render(parse_result=False)


def home_assistant_version():
    from homeassistant.const import __version__

    return __version__


def tympans(hass):
    from homeassistant.helpers import device_registry

    return [it for it in device_registry.async_get(hass).devices.values() if it.manufacturer == "tympan"]


def duplicates(hass):
    return len(tympans(hass)) > 1


def described(hass, check, name):
    """Prints the device with its entities."""
    from homeassistant.helpers import entity_registry

    found = tympans(hass)
    check.that([it.name for it in found] == [name], "one device: " + ", ".join(f"{it.name}, {it.model}" for it in found))
    for entity in entity_registry.async_entries_for_device(entity_registry.async_get(hass), found[0].id):
        traits = [entity.original_name, entity.original_device_class, entity.entity_category]
        print(f"      {entity.entity_id}: " + ", ".join(trait for trait in traits if trait))


def entity_id(hass, unique_id):
    """What Home Assistant calls an entity: versions before 2025.10 make it of the name, newer ones take tympan's."""
    from homeassistant.helpers import entity_registry

    entities = entity_registry.async_get(hass).entities.values()
    return next((it.entity_id for it in entities if it.unique_id == unique_id), f"no {unique_id}")


def main(arguments):
    if len(arguments) not in (1, 3):
        sys.exit(__doc__)
    if sys.version_info < (3, 13):
        return skipped("Home Assistant needs Python 3.13")
    if not (shutil.which("mosquitto") or os.path.exists("/usr/sbin/mosquitto")):
        return skipped("there is no mosquitto")
    try:
        import homeassistant.bootstrap  # noqa: F401
        import homeassistant.components.mqtt.config_flow  # noqa: F401
        import paho.mqtt.client  # noqa: F401
    except ImportError as error:
        return skipped(f"Home Assistant cannot be imported ({error})")
    program, recording, label = (*arguments, None, "siren")[:3] if len(arguments) == 1 else arguments
    return asyncio.run(live(program, recording, label))


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
