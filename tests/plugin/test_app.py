"""The whole job in the FiftyOne App, driven in a real browser against the real server and database.

Without a Chromium on the machine these tests are skipped, unless FIFTYONE_AVS_NEED_CHROMIUM is set, as continuous
integration does. FIFTYONE_AVS_SCREENSHOTS=docs/images keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fiftyone as fo
import pytest
from fiftyone.core.odm import get_db_conn
from PIL import Image
from playwright.sync_api import expect, sync_playwright

import fiftyone_avs as avs
from tests.benchmarks.trees import make_is3
from tests.plugin.browser import SWITCHES, User, find_chromium, running_app
from tests.plugin.conftest import SAMPLES, as_dataset, new_name, wait_until_done, wait_until_scheduled

CHROMIUM = find_chromium()
NEEDED = "FIFTYONE_AVS_NEED_CHROMIUM"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and NEEDED not in os.environ,
    reason="there is no Chromium on this machine: install it (Debian: apt-get install chromium) to run these",
)


@pytest.fixture(scope="module")
def app(world):
    """The App's address; it shows a dataset of its own at first."""
    first = as_dataset(*world, name="app-start")
    with running_app(first.name) as address:
        yield address
    first.delete()


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM is not None, f"{NEEDED} is set, but there is no Chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def user(app, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    yield User(page, app, os.environ.get("FIFTYONE_AVS_SCREENSHOTS") or None)
    page.close()


@pytest.fixture(scope="module")
def original(world):
    """A dataset with two runs and their evaluations; not to be changed."""
    dataset = as_dataset(*world, name="judged")
    for strategy in ("vcap_acls", "classification"):
        avs.segment(dataset, strategy, preset="tiny", progress=False)
        avs.evaluate(dataset, strategy, class_field="label", progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture
def judged(original):
    """The same as a dataset of this test's own."""
    dataset = original.clone(name=new_name(), persistent=True)
    yield dataset
    dataset.delete()


def reload_until(dataset: fo.Dataset, field: str) -> None:
    """Reload a dataset that the App's process wrote to until it has a field; on a busy machine this took a moment."""
    deadline = time.monotonic() + 10
    dataset.reload()
    while not dataset.has_field(field) and time.monotonic() < deadline:
        time.sleep(0.2)
        dataset.reload()


def test_a_run_from_the_form_shows_progress_counts_masks_and_texts(user, images):
    user.open(images.name)
    user.call("AVS: segment sounding objects")
    user.field("Run key").fill("not a key")
    user.sees("cannot be a run key")
    expect(user.button("Execute")).to_be_disabled()
    user.field("Run key").fill("mine")
    user.page.get_by_text("cannot be a run key").wait_for(state="detached")
    user.keep("segment-form")
    user.execute()
    user.sees(f"run 'mine': {SAMPLES} ok, 0 abstained, 0 failed")
    user.finish(f"run 'mine': {SAMPLES} ok")
    reload_until(images, "mine_status")
    assert images.count_values("mine_status") == {"ok": SAMPLES}
    assert user.page.locator("[data-cy=checkbox-mine] input, input[data-cy=checkbox-mine]").is_checked()
    user.keep("segmented", settle=2000)  # masks are fetched one by one
    user.open(images.name)
    user.sees_group("mine")


def test_overwriting_says_what_goes_and_the_panel_what_is_stale(user, judged):
    view = judged.limit(2)
    judged.save_view("two", view)
    user.open(judged.name)
    user.call("AVS: segment sounding objects")
    user.page.get_by_text("More settings").click()
    user.field("Mask threshold").fill("0.9")
    user.sees("exists with other settings (threshold")
    expect(user.button("Execute")).to_be_disabled()
    user.keep("segment-form-refused", settle=500)
    user.field("Mask threshold").fill("")
    user.sees("samples that have no result yet are done")
    user.page.get_by_text("Overwrite", exact=True).click()
    user.sees(f"the whole run 'vcap_acls' will be deleted first: {judged.count('vcap_acls')} masks")
    user.sees(f"Delete the whole run first: {judged.count('vcap_acls')} masks")
    user.keep("segment-form-overwrite", settle=500)
    user.page.keyboard.press("Escape")
    avs.segment(view, preset="tiny", overwrite=True, progress=False)
    user.open(judged.name)
    user.open_panel("AVS Compare")
    user.sees("Some scores are stale")
    user.sees("other results since for 2 of the samples it scored")
    user.keep("compare-stale", settle=1000)


def test_a_run_is_stopped_beside_its_progress_and_resumed_while_filters_stay(user, images):
    images.add_samples([sample.copy() for sample in images], progress=False)  # long enough to be stopped
    images[:SAMPLES].tag_samples("some")
    images.add_samples([sample.copy() for sample in images[:SAMPLES]], progress=False)
    user.open(images.name)
    user.filter_by_tag("some")
    user.grid_count(2 * SAMPLES)
    user.call("AVS: segment sounding objects")
    user.choose("Strategies", "captioning")
    user.sees("captioning", exact=True)
    user.page.get_by_text("More settings").click()
    user.field("Batch size").fill("1")
    user.page.wait_for_timeout(1000)
    progress = user.notes(r"loading models, [0-9]+ of [0-9]+|[0-9]+ of [0-9]+, [0-9]+ left")
    user.execute()
    user.sees(re.compile("[0-9] of 16, [0-9]+ left"))
    user.button("Stop").click()
    user.sees(re.compile("run 'captioning': [0-9]+ ok, .*stopped with [0-9]+ left"))
    user.keep("stopped")
    assert any(text.startswith("loading models, 2 of ") for text in progress())
    user.button("Resume with the same settings").click()
    user.sees(re.compile("run 'captioning': [0-9]+ ok, 0 abstained, 0 failed, [0-9]+ done already$"))
    user.button("Done").click()
    user.grid_count(2 * SAMPLES)
    images.reload()
    assert {info.strategy for info in avs.list_runs(images)} == {"vcap_acls", "captioning"}
    assert images.count("captioning_status") == images.count("vcap_acls_status") == 2 * SAMPLES
    assert avs.list_unfinished(images) == []


def test_evaluate_and_filter_by_iou_in_the_sidebar(user, images):
    avs.segment(images, "classification", preset="tiny", progress=False)
    user.open(images.name)
    user.call("AVS: evaluate against ground truth")
    user.execute()
    user.sees(f"classification_eval: {SAMPLES} ok")
    user.keep("evaluated")
    user.finish("Scores x 100")
    images.reload()
    info = images.get_evaluation_info("classification_eval")
    assert info.config.class_field == "label"
    ious = sorted(images.values("classification_eval_iou"))
    middle = (ious[2] + ious[3]) / 2
    user.page.locator("[data-cy=sidebar-field-arrow-enabled-classification_eval_iou]").click()
    user.page.locator("[data-cy*=slider-container-classification_eval_iou] input").last.fill(f"{middle:.4f}")
    user.page.keyboard.press("Enter")
    user.grid_count(3)
    user.keep("filtered")


def test_the_compare_panel_leads_from_numbers_to_samples_and_back(user, judged):
    judged[:3].tag_samples("few")
    user.open(judged.name)
    user.call("AVS: compare strategies")
    user.execute()
    user.sees("Sample by sample")
    user.page.wait_for_selector(".scatterlayer .points path")
    user.keep("compare", settle=1500)
    user.page.get_by_role("row").filter(has_text="vcap_acls").first.click()
    user.sees("the worst of vcap_acls_eval")
    user.click_mark(".js-plotly-plot >> nth=0 >> .scatterlayer .points path", 15)
    user.sees("IoU below")
    user.click_mark(".barlayer .point path")
    user.sees("label '")
    user.button("Show all samples again").click()
    user.grid_count(SAMPLES)
    user.filter_by_tag("few")
    user.grid_count(3)
    user.page.get_by_role("row").filter(has_text="vcap_acls").first.click()
    user.grid_count(SAMPLES)
    user.button("Back to the view before").click()
    user.grid_count(3)
    user.click_mark(".js-plotly-plot >> nth=2 >> .scatterlayer .points path", 2)
    user.page.wait_for_selector("#modal.modalon")


def test_the_compare_panel_says_how_to_begin(user, images):
    user.open(images.name)
    user.open_panel("AVS Compare")
    user.sees("No evaluation yet")
    user.keep("compare-empty")


def test_published_numbers_stand_beside_ones_own(user, judged):
    avs.set_benchmark(judged, "is3")
    user.open(judged.name)
    user.open_panel("AVS Compare")
    user.sees("VCap+ACls (published)")
    user.sees("Interspeech 2025, Table 1")


def test_the_sample_panel_plays_judges_and_goes_on(user, judged):
    user.open(judged.name)
    user.open_sample(0)
    user.open_sample_panel()
    user.sees("referring expression")
    duration = user.page.wait_for_function("document.querySelector('audio')?.duration || 0").json_value()
    assert 1.5 < duration < 2.5
    user.page.evaluate("document.querySelector('audio').muted = true")
    user.page.evaluate("document.querySelector('audio').play()")
    user.page.wait_for_function("document.querySelector('audio').currentTime > 0.2")
    user.keep("sample", settle=1000)
    first, second = judged.values("id")[:2]
    user.button("bad mask").click()
    user.sees("bad mask ✓")
    judged.reload()
    assert judged[first].tags == ["bad mask"]
    user.button("good").click()
    user.sees("good ✓")
    judged.reload()
    assert judged[first].tags == ["good"]
    user.button("next").click()
    user.page.get_by_text("good ✓").wait_for(state="detached")
    user.button("wrong object").click()
    user.sees("wrong object ✓")
    judged.reload()
    assert judged[second].tags == ["wrong object"]


def test_the_sample_panel_follows_a_video(user, videos):
    user.open(videos.name)
    user.open_sample(0)
    user.open_sample_panel()
    user.sees("Frame 1")
    user.page.wait_for_function("document.querySelector('audio')?.duration || 0")
    user.page.evaluate("document.querySelector('audio').muted = true")
    user.page.evaluate("document.querySelector('audio').play()")
    user.sees("Frame 19")  # the last labelled one, where the sound ends
    user.page.wait_for_function("document.querySelector('audio').ended")
    user.page.wait_for_timeout(2000)  # what the player told last is on its way, and would bring frame 19 back
    user.click_until(user.button("◀ frame"), "Frame 17")
    user.keep("sample-video")


def test_a_scheduled_run_is_done_by_a_worker(user, images):
    user.open(images.name)
    user.call("AVS: segment sounding objects")
    user.field("Run key").fill("later")
    user.schedule()
    wait_until_scheduled(images.name)
    images.reload()
    assert avs.list_runs(images) == []
    host, port = get_db_conn().client.address
    environment = {**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://{host}:{port}"}
    worker = [str(Path(sys.executable).with_name("fiftyone")), "delegated", "launch"]
    with subprocess.Popen(worker, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_done(images.name)
        finally:
            process.terminate()
    images.reload()
    assert images.count_values("later_status") == {"ok": SAMPLES}
    user.open(images.name)
    user.sees_group("later")


def test_an_empty_view_is_told_in_the_form(user, images):
    images.save_view("nothing", images.match_tags("no such tag"))
    user.open(f"{images.name}?view=nothing", empty=True)
    user.call("AVS: segment sounding objects")
    user.sees("there are no samples to work on")
    expect(user.button("Execute")).to_be_disabled()


def test_a_missing_sound_field_and_a_missing_checkpoint_are_told_in_the_form(user, images):
    images.delete_sample_field("audio_path")
    user.open(images.name)
    user.call("AVS: segment sounding objects")
    user.sees("which should hold the paths of the sounds, does not exist")
    user.choose("Models", "paper")
    user.sees("its checkpoint is not on this machine")
    user.keep("form-problems")


def test_a_taken_run_key_is_told_in_the_form(user, judged):
    user.open(judged.name)
    user.call("AVS: segment sounding objects")
    user.field("Run key").fill("classification")
    user.sees("exists with other settings (")
    expect(user.button("Execute")).to_be_disabled()


def test_ground_truth_of_another_size_is_left_out_and_counted(user, images, tmp_path):
    avs.segment(images, "classification", preset="tiny", progress=False)
    small = tmp_path / "small.png"
    Image.new("L", (16, 16), 255).save(small)
    sample = images.first()
    sample.ground_truth = fo.Segmentation(mask_path=str(small))
    sample.save()
    user.open(images.name)
    user.call("AVS: evaluate against ground truth")
    user.execute()
    user.sees(f"classification_eval: {SAMPLES - 1} ok, 1 left out")


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_done(user, images):
    folder = Path(fo.config.default_dataset_dir) / "avs" / f"{images.name}-{str(images._doc.id)[-6:]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    user.open(images.name)
    user.call("AVS: segment sounding objects")
    user.sees(re.compile("cannot write to .*; choose another output_dir"))
    expect(user.button("Execute")).to_be_disabled()
    user.keep("failed")
    user.page.keyboard.press("Escape")
    folder.unlink()
    user.call("AVS: segment sounding objects")
    user.execute()
    user.sees(f"{SAMPLES} ok, 0 abstained, 0 failed")
    shutil.rmtree(folder)


def test_the_model_evaluation_panel_compares_our_evaluations(user, judged):
    user.open(judged.name)
    user.open_panel("Model Evaluation")
    user.sees("2 Model Evaluations")
    card = user.page.get_by_text("Needs Review").last.locator("xpath=ancestor::*[contains(., '_eval')][1]")
    name = re.search(r"\w+_eval", card.inner_text()).group()
    user.click_until(card.get_by_text(name), "Select a comparison")
    user.page.get_by_text("Select a comparison").click()
    user.page.get_by_role("option").first.click()
    row = user.page.get_by_role("row").filter(has_text="mIoU")
    for key in judged.list_evaluations():
        expected = judged.load_evaluation_results(key).summary.miou
        expect(row).to_contain_text(f"{expected:.3g}")
    user.keep("model-evaluation")


def test_a_benchmark_is_imported_and_its_bad_rows_are_named(user, images, tmp_path):
    root = make_is3(tmp_path / "IS3")
    (root / "images" / "fox_train_fox.jpg").unlink()
    user.open(images.name)
    user.call("AVS: import a folder")
    user.field("Folder").fill(str(root))
    user.choose("What is in it", "IS3")
    user.execute()
    try:
        user.sees("3 imported, 1 left out")
        user.sees("IS3_annotation.json")
        user.keep("import-benchmark")
        imported = fo.load_dataset("is3")
        assert len(imported) == 3 and imported.app_config.active_fields.paths == ["ground_truth", "label"]
    finally:
        if fo.dataset_exists("is3"):
            fo.delete_dataset("is3")


def test_a_contact_sheet_is_drawn_and_shown(user, judged, tmp_path):
    user.open(judged.name)
    user.call("AVS: draw a contact sheet")
    user.field("File (.png or .pdf)").fill(str(tmp_path / "sheet.png"))
    user.execute()
    user.sees(f"{SAMPLES} samples")
    picture = user.page.locator("img[src*='sheet.png']")
    picture.wait_for(state="visible")
    assert picture.evaluate("image => image.naturalWidth") > 1000
    user.keep("contact-sheet")


def test_a_table_of_the_paper_is_made_and_shown_before_its_remarks(user, images, tmp_path):
    root = make_is3(tmp_path / "IS3", rate=16000)
    user.open(images.name)
    user.call("AVS: reproduce a table")
    user.field("Its folder").fill(str(root))
    user.choose("Table", "Table 3")
    user.choose("Models", "tiny")
    user.field("Folder for the table and the plot").fill(str(tmp_path / "out"))
    user.execute()
    try:
        remark = user.sees("know the drawn demo world only")
        row = user.page.get_by_role("row").filter(has_text="tiny/clipseg").first
        assert row.bounding_box()["y"] < remark.bounding_box()["y"]
        user.keep("reproduce")
        assert (tmp_path / "out" / "table3.md").is_file()
    finally:
        if fo.dataset_exists("is3"):
            fo.delete_dataset("is3")
