"""Drives a headless Chromium through its DevTools protocol: as much of it as a report needs to be read and clicked."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-port=0",
    "--window-size=1280,900",
)
WAIT_SECONDS = 60


def find_browser() -> str | None:
    """Finds a Chromium: the one that COUNTERFOIL_CHROMIUM names, one in PATH, or one that playwright installed."""
    named = os.environ.get("COUNTERFOIL_CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    cache = pathlib.Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", pathlib.Path.home() / ".cache/ms-playwright"))
    installed = sorted([*cache.glob("chromium-*/chrome-linux*/chrome"), *cache.glob("chromium_headless_shell-*/*/headless_shell")])
    return str(installed[-1]) if installed else None


class Browser:
    """A running browser with one page; ends with its `with` block."""

    def __init__(self, path: str):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        flags = [*FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen([path, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.numbers = itertools.count(1)
        self.events: list[dict] = []
        self.session = None
        try:
            port, route = self._wait_for(self._address, "the browser to listen")
            self.socket = websocket.create_connection(f"ws://127.0.0.1:{port}{route}", timeout=WAIT_SECONDS, suppress_origin=True)
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def _address(self) -> tuple[str, str] | None:
        if self.process.poll() is not None:
            raise SystemExit(f"browser: it ended at once with exit code {self.process.returncode}")
        file = pathlib.Path(self.profile.name, "DevToolsActivePort")
        lines = file.read_text().split() if file.exists() else []
        return (lines[0], lines[1]) if len(lines) == 2 else None

    @staticmethod
    def _wait_for(look, what: str):
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.05)
        raise SystemExit(f"browser: waited {WAIT_SECONDS} s for {what}")

    def call(self, method: str, **params) -> dict:
        """Calls a method and gives its result; events that arrive meanwhile are kept."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") != number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def wait_for_event(self, method: str, fits=lambda _: True) -> dict:
        """Waits for an event, looking at those that came before first."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and fits(event["params"]):
                    return event["params"]
            seen = len(self.events)
            self.events.append(json.loads(self.socket.recv()))

    def open(self, url: str) -> None:
        """Opens a page and waits until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for_event("Page.loadEventFired")

    def evaluate(self, expression: str):
        """Gives the value of an expression of the page's script language."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def find(self, selector: str) -> list[int]:
        """Finds elements by the document alone, so that it works with scripts off."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        return self.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]

    def box(self, node: int) -> list[float] | None:
        """Gives the corners of an element's border, or nothing where it is not shown."""
        try:
            return self.call("DOM.getBoxModel", nodeId=node)["model"]["border"]
        except RuntimeError:
            return None

    def click(self, node: int) -> None:
        """Clicks on the middle of an element with the mouse."""
        self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        corners = self.call("DOM.getContentQuads", nodeId=node)["quads"][0]
        place = {"x": sum(corners[0::2]) / 4, "y": sum(corners[1::2]) / 4, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **place)

    def type(self, text: str) -> None:
        """Types text where the focus is."""
        self.call("Input.insertText", text=text)

    def complaints(self) -> list[str]:
        """Lists what the page logged as an error or warning, what its scripts threw, and the policy refused."""
        self.evaluate_nothing()
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"]))
            elif event.get("method") == "Runtime.consoleAPICalled":
                found.append(json.dumps(params["args"]))
            elif event.get("method") == "Page.javascriptDialogOpening":
                found.append(f"dialog: {params['message']}")
        return found

    def requests(self) -> list[str]:
        """Lists the addresses that the page asked for."""
        self.evaluate_nothing()
        return [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]

    def evaluate_nothing(self) -> None:
        """Makes a round trip, so that the events before it have arrived."""
        self.call("Page.getLayoutMetrics")
