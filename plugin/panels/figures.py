"""Plotly figures of the panel AVS Compare: traces and layouts from what the package computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone_avs.fo import AUC_THRESHOLDS, IOU_LABELS, ClassStanding, JointScores, Standing

POINTS = "#ff7f0e"

MOST_CLASSES = 25
"""So many classes are shown as bars, the largest ones."""

Figure = tuple[list[dict[str, Any]], dict[str, Any]]


def success_curves(
    standings: Sequence[Standing], names: Mapping[str, str], colour: Mapping[str, str], iou: str
) -> Figure:
    """Share of samples over the IoU threshold; the area under a curve of the adaptive IoU is its AUC."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": names[one.evaluation.key],
            "x": list(AUC_THRESHOLDS) if one.success_by(iou) else [],
            "y": [100 * share for share in one.success_by(iou)],
            "line": {"color": colour[one.evaluation.key], "width": 2},
            "marker": {"size": 5},
            "hovertemplate": IOU_LABELS[iou] + " of at least %{x:.2f}: %{y:.1f} %",
        }
        for one in standings
    ]
    layout = _layout(f"{IOU_LABELS[iou]} of at least", "samples (%)")
    layout["xaxis"]["range"], layout["yaxis"]["range"] = [0, 1.02], [0, 103]
    return traces, layout


def class_bars(
    classes: Sequence[ClassStanding],
    keys: Sequence[str],
    names: Mapping[str, str],
    colour: Mapping[str, str],
    iou: str,
) -> Figure:
    """The mean IoU of each class, one bar per evaluation."""
    shown = [one for one in classes if one.label is not None][:MOST_CLASSES]
    labels = [str(one.label) for one in shown]
    traces = [
        {
            "type": "bar",
            "name": names[key],
            "x": labels,
            "y": [None if (mean := one.mean_iou[key]) is None else 100 * mean for one in shown],
            "customdata": [one.n[key] for one in shown],
            "marker": {"color": colour[key]},
            "hovertemplate": "%{x}: %{y:.1f} over %{customdata}",
        }
        for key in keys
    ]
    layout = _layout("", f"mean {IOU_LABELS[iou]} x 100")
    layout |= {"barmode": "group", "bargap": 0.25}
    layout["xaxis"] |= {"type": "category", "tickangle": -35}
    layout["yaxis"]["range"] = [0, 103]
    return traces, layout


def joint(scores: JointScores, names: Mapping[str, str]) -> Figure:
    """Two evaluations sample by sample: points, or the number of samples per cell where there are many."""
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "name": "equal",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": "#999999", "dash": "dot", "width": 1},
        "hoverinfo": "skip",
    }
    called = IOU_LABELS[scores.iou]
    layout = _layout(f"{called} under {names[scores.x_key]}", f"{called} under {names[scores.y_key]}")
    layout["showlegend"] = False
    layout["xaxis"]["range"] = layout["yaxis"]["range"] = [-0.02, 1.02]
    return [_points(scores) if scores.points is not None else _cells(scores), diagonal], layout


def _points(scores: JointScores) -> dict[str, Any]:
    points = scores.points or ()
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "samples",
        "x": [point.x for point in points],
        "y": [point.y for point in points],
        "ids": [point.id for point in points],
        "marker": {"size": 9, "opacity": 0.65, "color": POINTS, "line": {"width": 1, "color": "#ffffff"}},
        "hovertemplate": "%{x:.2f} | %{y:.2f}<extra>click to see it</extra>",
    }


def _cells(scores: JointScores) -> dict[str, Any]:
    centres = [(low + high) / 2 for low, high in zip(scores.edges, scores.edges[1:], strict=False)]
    return {
        "type": "heatmap",
        "name": "cells",
        "x": centres,
        "y": centres,
        "z": [[count or None for count in row] for row in scores.grid],
        "colorscale": "YlOrRd",
        "reversescale": False,
        "colorbar": {"title": {"text": "samples"}, "thickness": 12},
        "hovertemplate": "%{x:.2f} | %{y:.2f}: %{z} samples<extra>click to see them</extra>",
    }


def _layout(x: str, y: str) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": x}},
        "yaxis": {"title": {"text": y}},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "margin": {"t": 30, "l": 60, "r": 20, "b": 60},
        "hovermode": "closest",
    }
