"""Runs on several machines, or in several processes of one, with Ray."""

from __future__ import annotations

from fiftyone_avs.integrations.cluster.jobs import RayRunner, RunJob, for_workers, ray_options, ray_outcomes

__all__ = ["RayRunner", "RunJob", "for_workers", "ray_options", "ray_outcomes"]
