#!/usr/bin/env python3
"""Takes the picture in docs/PAGE.md: the page of a daemon that plays the demo, in a headless Chromium.

    scripts/page_picture.py target/release/tympan docs/page.png [--width 1280] [--height 1010] [--dark] [--seconds 34]

Needs a `chromium` on the PATH. Prints when the page was first painted, its frames a second, and the share of a core that the page's
main thread used.
"""

import argparse
import base64
import json
import os
import pathlib
import subprocess
import tempfile
import time

CONFIGURATION = """
[source]
kind = "demo"
[output.stdout]
enabled = false
[output.log_file]
enabled = true
path = "{folder}/events.jsonl"
[output.web]
enabled = true
address = "127.0.0.1:{port}"
"""
PORT = 17328
# frames of three seconds
FRAMES = """new Promise((done) => {
  let frames = 0; const began = performance.now();
  const frame = (now) => { frames += 1; now - began > 3000 ? done(frames / 3) : requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
})"""


class Browser:
    """Chromium, spoken to through a pair of pipes."""

    def __init__(self, profile):
        to_read, self.to = os.pipe()
        self.answers, to_write = os.pipe()

        def place():
            # copies first: the ends may be 3 or 4 themselves
            read, write = os.dup(to_read), os.dup(to_write)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.count, self.rest, self.session = 0, b"", None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                self.rest += os.read(self.answers, 1 << 20)
            line, self.rest = self.rest.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                return answer["result"]

    def value(self, expression):
        return self.ask("Runtime.evaluate", expression=expression, awaitPromise=True)["result"].get("value")

    def metrics(self):
        return {item["name"]: item["value"] for item in self.ask("Performance.getMetrics")["metrics"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("tympan", type=pathlib.Path)
    parser.add_argument("picture", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1010)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--seconds", type=float, default=34, help="how long the demo has played")
    options = parser.parse_args()
    model = pathlib.Path(__file__).resolve().parent.parent / "models" / "esc50"
    with tempfile.TemporaryDirectory() as folder:
        configuration = pathlib.Path(folder) / "tympan.toml"
        configuration.write_text(f'model = "{model}"\n' + CONFIGURATION.format(folder=folder, port=PORT))
        daemon = subprocess.Popen([options.tympan.resolve(), "run", "--config", configuration])
        browser = None
        try:
            time.sleep(2)
            browser = Browser(f"{folder}/profile")
            is_phone = options.width < 600
            browser.ask("Page.enable")
            browser.ask("Performance.enable")
            browser.ask("Emulation.setDeviceMetricsOverride", width=options.width, height=options.height,
                        deviceScaleFactor=2 if is_phone else 1, mobile=is_phone)
            scheme = "dark" if options.dark else "light"
            browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.ask("Page.navigate", url=f"http://127.0.0.1:{PORT}/")
            time.sleep(options.seconds)
            paint = browser.value("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            frames = browser.value(FRAMES)
            before = browser.metrics()
            time.sleep(5)
            after = browser.metrics()
            share = (after["TaskDuration"] - before["TaskDuration"]) / (after["Timestamp"] - before["Timestamp"])
            picture = browser.ask("Page.captureScreenshot", format="png")["data"]
            options.picture.write_bytes(base64.b64decode(picture))
            print(f"first paint after {paint:.0f} ms, {frames:.0f} frames a second, main thread {100 * share:.0f} % of a core")
        finally:
            daemon.terminate()
            if browser:
                browser.process.kill()
                browser.process.wait()
            daemon.wait()


if __name__ == "__main__":
    main()
