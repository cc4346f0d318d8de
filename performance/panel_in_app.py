r"""How long the panel AVS Compare takes to open in the App, seen from the browser.

Makes the dataset of panel.py, starts an App and a headless Chromium, opens the panel from the App's menu and
waits until the leaderboard and then until the last plot is drawn. The reference, in the same run, is FiftyOne's
own Model Evaluation panel, opened on the same dataset: the time until it lists the evaluations.

    fiftyone-avs install-plugin
    python performance/panel_in_app.py            # needs the extra dev and an installed Chromium

The result lands in performance/results/panel_in_app.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import time
from statistics import median
from typing import Any

import fiftyone as fo
from panel import RESULTS, make
from playwright.sync_api import Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
REPEATS = 5


def main() -> None:
    """Make the dataset, open the panels, print, write and clean up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    dataset = fo.Dataset("fiftyone-avs-panel-in-app", persistent=True, overwrite=True)
    try:
        print(f"making {options.samples} samples with {options.runs} runs ...")
        make(dataset, options.samples, options.classes, options.runs)
        seconds = open_in_app(dataset)
    finally:
        dataset.delete()
    record = {**vars(options), "fiftyone": fo.__version__, "seconds": seconds}
    print(json.dumps(record, indent=2))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "panel_in_app.json").write_text(json.dumps(record, indent=2) + "\n")


def open_in_app(dataset: fo.Dataset) -> dict[str, float]:
    """Medians over several openings, each on a page of its own; the very first one apart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = fo.launch_app(dataset, port=port, address="127.0.0.1", remote=True)
    where = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    ours: list[Any] = []
    theirs: list[Any] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=SWITCHES)
        for _ in range(REPEATS + 1):
            for measure, found in ((open_compare, ours), (open_reference, theirs)):
                session.spaces = fo.Space(
                    children=[fo.Panel(type="Samples", pinned=True)]
                )  # others are closed
                page = browser.new_page(viewport={"width": 1600, "height": 1200})
                page.add_init_script("window.IS_PLAYWRIGHT = true")
                found.append(measure(page, f"http://127.0.0.1:{port}/datasets/{dataset.name}"))
                page.close()
        browser.close()
    session.close()
    return {
        "AVS Compare, leaderboard": round(median(board for board, _ in ours[1:]), 2),
        "AVS Compare, all plots": round(median(plots for _, plots in ours[1:]), 2),
        "AVS Compare, all plots, first opening": round(ours[0][1], 2),
        "Model Evaluation, list of evaluations (reference)": round(median(theirs[1:]), 2),
    }


def open_compare(page: Page, address: str) -> tuple[float, float]:
    """Seconds until the leaderboard is there, and until all three plots are."""
    start = choose(page, address, "AVS Compare")
    page.get_by_role("row").nth(1).wait_for()
    board = time.perf_counter() - start
    page.locator(".js-plotly-plot").nth(2).locator(".heatmaplayer image").wait_for(state="attached")
    plots = time.perf_counter() - start
    return board, plots


def open_reference(page: Page, address: str) -> float:
    """Seconds until FiftyOne's own panel lists the evaluations."""
    start = choose(page, address, "Model Evaluation")
    page.get_by_text("Needs Review").first.wait_for()
    return time.perf_counter() - start


def choose(page: Page, address: str, panel: str) -> float:
    """Open a panel from the App's menu; returns when it was chosen."""
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_text("samples").first.wait_for()
    page.wait_for_timeout(6000)  # the grid and the sidebar settle
    page.locator("[data-cy=new-panel-btn]").first.click()
    option: Any = page.locator("[data-cy^=new-panel-option]").filter(has_text=panel).first
    option.wait_for()
    start = time.perf_counter()
    option.click()
    return start


if __name__ == "__main__":
    main()
