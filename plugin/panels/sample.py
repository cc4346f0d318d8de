"""The panel AVS Sample: hear the sound, see every mask, read every text, judge, and go on."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import fiftyone.operators as foo
from fiftyone.operators import types

from fiftyone_avs import AVSError
from fiftyone_avs.fo import (
    VERDICTS,
    SampleInspection,
    composite,
    frame_at,
    inspect_sample,
    list_run_keys,
    next_sample,
    set_verdict,
    spectrogram_picture,
)

from ..forms import dropdown, names
from .base import WRAPPED, QuietPanel, in_one_column
from .texts import chains

WIDTH = 1200
"""Pixels of the pictures."""

FITTING = "100%"
"""Pictures are as wide as the panel."""

EVERY = 1000
"""Milliseconds between two looks at where a video's player is."""

ABOUT = """\
The sound, every run's mask beside the ground truth, and how each run came to its referring expression. The
verdict is stored as a tag of the sample.
"""


class AVSSample(QuietPanel):
    """Everything known of the sample that is looked at."""

    @property
    def config(self) -> foo.PanelConfig:
        """How FiftyOne lists it."""
        return foo.PanelConfig(
            "avs_sample", "AVS Sample", icon="hearing", surfaces="modal", help_markdown=ABOUT
        )

    def on_load(self, ctx: Any) -> None:
        """Rendering is all there is to do."""

    def on_change_current_sample(self, ctx: Any) -> None:
        """Forget the frame of the sample before."""
        ctx.panel.state.frame = None

    def on_change_selected_labels(self, ctx: Any) -> None:
        """Videos: a label that is clicked in the App's player brings its frame here."""
        chosen = [label for label in ctx.selected_labels if label.get("sample_id") == ctx.current_sample]
        if chosen and chosen[-1].get("frame_number"):
            ctx.panel.state.frame = chosen[-1]["frame_number"]

    def on_play(self, ctx: Any) -> None:
        """Videos: show the frame that belongs to what is heard."""
        seconds = float(ctx.params.get("playedSeconds", ctx.params.get("seconds")) or 0)
        ctx.panel.state.frame = frame_at(ctx.dataset, ctx.current_sample, seconds)

    def on_step(self, ctx: Any) -> None:
        """Videos: show another labelled frame."""
        ctx.panel.state.frame = ctx.params.get("frame")

    def on_pick(self, ctx: Any) -> None:
        """Rendering again is all there is to do: the choices are in the panel's state."""

    def shown(self, ctx: Any) -> list[Any]:
        """The sample, its frame and the runs; the sample's labels are read at every other event."""
        return [ctx.current_sample, ctx.panel.state.get("frame"), _runs(ctx)]

    def render(self, ctx: Any) -> types.Property:
        """The whole panel."""
        panel = types.Object()
        if ctx.current_sample is None:
            panel.md("Open a sample to see it here.", name="empty")
            return in_one_column(panel)
        try:
            self._fill(ctx, panel)
        except AVSError as error:
            panel.view("problem", types.Error(label="This sample cannot be shown", description=str(error)))
        return in_one_column(panel)

    def _fill(self, ctx: Any, panel: types.Object) -> None:
        self.remember(ctx)
        runs = _runs(ctx)
        found = inspect_sample(
            ctx.dataset, ctx.current_sample, runs=runs, frame_number=ctx.panel.state.get("frame")
        )
        self._judge(panel, found)
        self._sound(panel, found)
        for index, problem in enumerate(found.problems):
            panel.view(f"problem{index}", types.Warning(label=problem))
        if found.media == "video":
            self._steps(panel, found)
        panel.str("masks", view=types.ImageView(width=FITTING), default=_jpeg(composite(found, width=WIDTH)))
        panel.md(chains(found), name="texts")
        known = list_run_keys(ctx.dataset)
        if len(known) > 1:
            ctx.panel.state.runs = runs  # not a default, which the App would report like a choice
            shown = dropdown(panel, "runs", names(known), label="Runs shown", multiple=True)
            shown.on_change = self.on_pick

    def _judge(self, panel: types.Object, found: SampleInspection) -> None:
        """A button per verdict, and the way to the next sample."""
        bar = panel.h_stack("judge", gap=1, componentsProps=WRAPPED)
        for verdict in VERDICTS:
            chosen = verdict == found.verdict
            bar.btn(
                verdict.replace(" ", "_"),
                label=f"{verdict} ✓" if chosen else verdict,
                on_click=self.on_verdict,
                params={"verdict": None if chosen else verdict},
                variant="contained" if chosen else "outlined",
            )
        bar.btn("next", label="next", icon="skip_next", on_click=self.on_next, variant="contained")
        bar.btn("unjudged", label="next unjudged", on_click=self.on_next_unjudged, variant="outlined")

    def _sound(self, panel: types.Object, found: SampleInspection) -> None:
        """The player and the spectrogram; what is wrong with the sound is among the problems."""
        if found.audio is not None:
            follow = {"on_progress": self.on_play, "on_seek": self.on_play, "progressInterval": EVERY}
            options = follow if found.media == "video" else {}
            url = _media_url(found.audio)
            panel.media_player("audio", url, controls=True, height="54px", width="100%", **options)
        if found.sound is not None:
            picture = spectrogram_picture(found.sound, width=WIDTH, height=180, highlight=found.heard)
            panel.str("spectrogram", view=types.ImageView(width=FITTING), default=_png(picture))

    def _steps(self, panel: types.Object, found: SampleInspection) -> None:
        """From one labelled frame of a video to the next; the player and a click on a label lead there, too."""
        numbers = found.frame_numbers
        if found.frame_number not in numbers:
            return
        place = numbers.index(found.frame_number)
        bar = panel.h_stack("steps", gap=1, componentsProps=WRAPPED)
        for name, label, target in (
            ("back", "◀ frame", place - 1),
            ("forth", "frame ▶", place + 1),
        ):
            there = 0 <= target < len(numbers)
            bar.btn(
                name,
                label=label,
                on_click=self.on_step,
                params={"frame": numbers[target] if there else found.frame_number},
                variant="outlined",
                disabled=not there,
            )

    def on_verdict(self, ctx: Any) -> None:
        """Store the verdict, or take it back."""
        set_verdict(ctx.dataset, ctx.current_sample, ctx.params.get("verdict"))
        ctx.ops.reload_samples()

    def on_next(self, ctx: Any) -> None:
        """Open the next sample of the view."""
        _go_on(ctx, without_verdict=False)

    def on_next_unjudged(self, ctx: Any) -> None:
        """Open the next sample of the view that nobody has judged."""
        _go_on(ctx, without_verdict=True)


def _runs(ctx: Any) -> list[str]:
    """The runs that were picked, as far as they are still there, else all."""
    known = list_run_keys(ctx.dataset)
    return [run for run in ctx.panel.state.get("runs") or () if run in known] or known


def _go_on(ctx: Any, *, without_verdict: bool) -> None:
    following = next_sample(ctx.view, ctx.current_sample, without_verdict=without_verdict)
    if following is None:
        ctx.ops.notify("This was the last sample of the view", variant="info")
    else:
        ctx.ops.open_sample(id=following)


def _media_url(path: str) -> str:
    """The App's address of a file; the ending tells its player that it is sound, whatever the file's own is."""
    return f"/media?filepath={quote(path, safe='')}&play=.wav"


def _png(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _jpeg(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
