"""From the numbers of a panel to the samples behind them in the grid, and back to what was shown before."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from fiftyone_avs.fo import serialized_view

from ..operators.base import OURS
from .base import WRAPPED


def ways_back(ctx: Any, panel: types.Object, all_samples: Any, before: Any) -> None:
    """The buttons that lead back."""
    ways = panel.h_stack("ways", gap=1, componentsProps=WRAPPED)
    ways.btn("show_all", "Show all samples again", on_click=all_samples, variant="outlined")
    if ctx.panel.state.get("message"):
        ways.btn("back", "Back to the view before", on_click=before, variant="outlined")


def show(ctx: Any, view: Any, what: str) -> None:
    """Show samples in the grid, and say how many; the App keeps what was shown before for the way back."""
    count = len(view)
    ctx.panel.state.message = f"Shown: {what}, {count} sample{'' if count == 1 else 's'}."
    ctx.trigger(f"{OURS}/go_to_view", {"view": list(serialized_view(view))})


def show_all(ctx: Any) -> None:
    """All samples, unfiltered."""
    ctx.panel.state.message = ""
    ctx.ops.clear_view()
    ctx.ops.clear_sidebar_filters()


def show_before(ctx: Any) -> None:
    """The view and the sidebar's filters that were there before the first click."""
    ctx.panel.state.message = ""
    ctx.trigger(f"{OURS}/go_to_view", {"back": True})
