"""Which function draws which class."""

from __future__ import annotations

from collections.abc import Callable

from fiftyone_avs.tiny.world import (
    objects_animals as animals,
    objects_instruments as instruments,
    objects_machines as machines,
    objects_things as things,
)
from fiftyone_avs.tiny.world.pen import Pen

PAINTERS: dict[str, Callable[[Pen], None]] = {
    "bee": animals.bee,
    "electric shaver": machines.electric_shaver,
    "car": machines.car,
    "motorcycle": machines.motorcycle,
    "cat": animals.cat,
    "baby": animals.baby,
    "alarm clock": machines.alarm_clock,
    "phone": machines.phone,
    "dog": animals.dog,
    "bird": animals.bird,
    "frog": animals.frog,
    "cow": animals.cow,
    "drum": instruments.drum,
    "guitar": instruments.guitar,
    "trumpet": instruments.trumpet,
    "ambulance": machines.ambulance,
    "tree": things.tree,
    "house": things.house,
    "ball": things.ball,
    "umbrella": things.umbrella,
    "mug": things.mug,
    "flower": things.flower,
}
"""The drawing function of each name in the vocabulary."""
