"""What users see who got the plugin without the Python package."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

HOW = "Install it where FiftyOne runs, `pip install fiftyone-avs`, then start the App again."


class PackageIsMissing(foo.Operator):
    """Stands in for the plugin's first operator and says what to install."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists it."""
        return foo.OperatorConfig(
            "segment_sounding_objects",
            label="AVS: segment sounding objects (package fiftyone-avs is missing)",
            icon="graphic_eq",
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """A form that cannot be sent."""
        inputs = types.Object()
        problem = inputs.view(
            "missing", types.Error(label="The package fiftyone-avs is missing", description=HOW)
        )
        problem.invalid = True
        return types.Property(inputs, view=types.View(label="Segment sounding objects"))

    def execute(self, ctx: Any) -> None:
        """Say the same to callers from Python."""
        raise RuntimeError(f"The package fiftyone-avs is missing. {HOW}")
