"""The fields of a run are declared once, and are there then."""

from __future__ import annotations

from fiftyone_avs.fo.schema import fields as schema_fields


def test_fields_that_another_thread_undoes_are_added_again(dataset, monkeypatch):
    real, undone = schema_fields.refresh, []

    def undo(changed):
        if not undone:
            undone.append("mine_status")
            changed.delete_sample_field("mine_status")
        real(changed)

    monkeypatch.setattr(schema_fields, "refresh", undo)
    schema_fields.declare(dataset, schema_fields.RunFields("mine"))
    assert undone and set(schema_fields.RunFields("mine").own) <= set(dataset.get_field_schema())
