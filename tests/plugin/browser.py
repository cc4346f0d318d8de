"""The FiftyOne App in a real browser: starting both, and what a user does with the mouse and the keyboard."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fiftyone.core.odm import get_db_conn
from playwright.sync_api import TimeoutError as TooLate, expect

PATIENCE = int(os.environ.get("FIFTYONE_AVS_PATIENCE", "90"))  # seconds
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

NOTES = """pattern => {
    window.notes = new Set();
    const form = new RegExp(pattern, "g");
    const look = () => (document.body.innerText.match(form) || []).forEach(text => window.notes.add(text));
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""

SERVER = """
import fiftyone as fo
session = fo.launch_app(fo.load_dataset({dataset!r}), port={port}, address="127.0.0.1", remote=True)
session.wait(-1)
"""


def find_chromium() -> str | None:
    """A Chromium or Chrome that is installed, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def running_app(dataset: str) -> Iterator[str]:
    """An App of its own that shows a dataset; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host, db_port = get_db_conn().client.address
    environment = {
        **os.environ,
        "FIFTYONE_DATABASE_URI": f"mongodb://{host}:{db_port}",
        "FIFTYONE_ALLOW_LEGACY_ORCHESTRATORS": "true",  # lets the App schedule delegated operations
    }
    address = f"http://127.0.0.1:{port}"
    code = SERVER.format(dataset=dataset, port=port)
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            _wait_for(address)
            yield address
        finally:
            os.killpg(process.pid, 15)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the App did not start at {address}")


class User:
    """Somebody who works in the App."""

    def __init__(self, page, address: str, pictures: str | None) -> None:
        self.page = page
        self._address = address
        self._pictures = None if pictures is None else Path(pictures)
        page.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        page.add_init_script("window.IS_PLAYWRIGHT = true")  # no advertisement over the grid

    def open(self, dataset: str, *, empty: bool = False) -> None:
        """Go to a dataset's grid."""
        self.page.goto(f"{self._address}/datasets/{dataset}")
        self.page.wait_for_selector("[data-cy=fo-grid]" if empty else "[data-cy=looker]")
        self.page.wait_for_timeout(500)

    def open_panel(self, name: str) -> None:
        """Open a panel beside the grid."""
        self.page.locator("[data-cy=new-panel-btn]").first.click()
        self.page.locator("[data-cy^=new-panel-option]").filter(has_text=name).first.click()

    def open_sample(self, index: int) -> None:
        """Open a sample of the grid."""
        self.page.locator("[data-cy=looker]").nth(index).click()
        self.page.wait_for_selector("#modal.modalon")

    def open_sample_panel(self) -> None:
        """Bring the panel AVS Sample of the open sample to the front."""
        self.page.locator("#modal").get_by_text("AVS Sample").first.click()

    def schedule(self) -> None:
        """Send the form to be done by a worker."""
        self.button("Execute").locator("xpath=following::button[1]").click()
        self.page.get_by_text("Schedule").last.click()
        self.button("Schedule").click()

    def call(self, operator: str) -> None:
        """Choose an operator from the App's list."""
        self.page.keyboard.press("`")
        self.page.get_by_placeholder("Search operations by name").fill(operator)
        self.page.locator("[data-cy=operators-browser]").get_by_text(operator).last.click()

    def field(self, label: str):
        """The input below a label of a form."""
        text = self.page.get_by_text(label, exact=True).last
        return text.locator("xpath=following::input[1]")

    def choose(self, label: str, value: str) -> None:
        """Pick a value from a drop-down of a form."""
        self.page.get_by_text(label, exact=True).last.locator(
            "xpath=following::*[@role='combobox'][1]"
        ).click()
        self.page.get_by_role("option").filter(has_text=value).first.click()

    def execute(self) -> None:
        """Send the form."""
        self.button("Execute").click()

    def button(self, name: str):
        """A button by its text."""
        return self.page.get_by_role("button", name=name, exact=True).last

    def click_until(self, target, text: str) -> None:
        """Click something that brings up a text, and again if it did not: a panel that is loading can lose a click."""
        for _ in range(2):
            target.click()
            try:
                self.page.get_by_text(text).wait_for(timeout=PATIENCE * 1000 / 3)
                return
            except TooLate:
                if not target.is_visible():
                    break
        self.page.get_by_text(text).wait_for()

    def finish(self, text: str) -> None:
        """Close an operator's output once it is there: what shows the progress has a "Done", too."""
        self.page.get_by_role("dialog").get_by_text(text).last.wait_for()
        self.button("Done").click()

    def sees(self, text, *, exact: bool = False):
        """Wait until a text is there, and return where."""
        found = self.page.get_by_text(text, exact=exact).last
        found.wait_for(state="visible")
        return found

    def sees_group(self, run: str) -> None:
        """Wait until the sidebar has a group of a run's fields."""
        self.page.wait_for_selector(f"[data-cy=sidebar-group-{run}-field]", state="attached")

    def notes(self, pattern: str):
        """Write down from now on every text of this form that is on the screen; the result gives them as a set."""
        self.page.evaluate(NOTES, pattern)
        return lambda: set(self.page.evaluate("[...window.notes]"))

    def grid_count(self, count: int) -> None:
        """Wait until the grid says that it shows so many samples."""
        self.sees(f"{count} sample{'' if count == 1 else 's'}")

    def click_mark(self, selector: str, index: int = 0) -> None:
        """Click a point, a bar or a marker of a plot, where its middle is."""
        mark = self.page.locator(selector).nth(index)
        mark.scroll_into_view_if_needed()
        self.page.wait_for_timeout(300)
        box = mark.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.wait_for_timeout(400)  # a plot listens to clicks on what is hovered over
        self.page.mouse.click(x, y)

    def filter_by_tag(self, tag: str) -> None:
        """Show the samples with a tag, by the sidebar's filter."""
        box = self.page.locator("[data-cy='categorical-filter-tags'] input").first
        if not box.is_visible():
            self.page.locator("[data-cy='sidebar-field-arrow-enabled-tags']").first.click()
        box.click()
        self.page.keyboard.type(tag)
        self.page.wait_for_timeout(1000)
        self.page.keyboard.press("Enter")

    def keep(self, name: str, settle: int = 0) -> None:
        """Keep a picture of what is on the screen after so many milliseconds, if pictures are wanted."""
        if self._pictures is not None:
            self.page.wait_for_timeout(settle)
            self._pictures.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self._pictures / f"{name}.png")
