"""A headless Chromium, driven through a pipe: real pointers and keys, no network."""

import base64
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--remote-debugging-pipe --hide-scrollbars"
).split()
# The protocol is spoken on the file descriptors 3 and 4.
AS_THREE_AND_FOUR = 'exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null'
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
KEYS |= {"Home": 36, "End": 35, "Tab": 9, "Enter": 13}


def find() -> str:
    """The path of a browser; skips the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser to look at pages with: none of {', '.join(NAMES)}")
    return found


class Browser:
    """A tab; see https://chromedevtools.github.io/devtools-protocol for its methods.

    Attributes:
      events: what happened, in its order: dictionaries with "method" and "params".
    """

    def __init__(self, profile: str):
        arguments = [find(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["sh", "-c", AS_THREE_AND_FOUR, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.events: list[dict[str, Any]] = []
        self._count, self._rest, self._session = 0, b"", {}

    def begin(self) -> None:
        """Opens the tab, cut off from any network."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Network.emulateNetworkConditions", **OFFLINE)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method, and returns its result."""
        self._count += 1
        call = {"id": self._count, "method": method, "params": params, **self._session}
        self._process.stdin.write(json.dumps(call).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = self._process.stdout.read(1 << 20)
            if not part:
                raise RuntimeError("the browser ended")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def open(self, path: pathlib.Path, width: int = 1200, dark: bool = False) -> None:
        """Shows a file, and waits until it is loaded."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        scheme = "dark" if dark else "light"
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=media)
        self.events.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        given = {"expression": expression, "returnByValue": True}
        answer = self.send("Runtime.evaluate", **given)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def point(self, selector: str, click: bool = False) -> None:
        """Moves the pointer to the first box of an element, and clicks there."""
        self.ask(f"document.querySelector({selector!r}).scrollIntoView()")
        rectangle = f"document.querySelector({selector!r}).getClientRects()[0].toJSON()"
        box = self.ask(rectangle)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.send("Input.dispatchMouseEvent", type=kind, **at)

    def press(self, *keys: str) -> None:
        """Presses keys, one after the other."""
        for key in keys:
            code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            for kind in ("rawKeyDown", "keyUp"):
                self.send("Input.dispatchKeyEvent", type=kind, **code)

    def complaints(self) -> list[str]:
        """Errors and warnings since the page was opened, and requests that it made."""
        bad = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        said = [json.dumps(e["params"]) for e in self.events if e.get("method") in bad]
        sent = (
            e for e in self.events if e.get("method") == "Network.requestWillBeSent"
        )
        urls = [e["params"]["request"]["url"] for e in sent]
        return said + urls[1:]  # the first is the page itself

    def picture(self, path: pathlib.Path) -> None:
        """Writes the whole page as PNG."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Ends the browser, which goes when its pipe is closed."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


OFFLINE = {
    "offline": True,
    "latency": 0,
    "downloadThroughput": 0,
    "uploadThroughput": 0,
}


@contextlib.contextmanager
def opened():
    """A browser, for as long as the block runs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.begin()
            yield browser
        finally:
            browser.close()
