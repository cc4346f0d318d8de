"""Putting the App's plugin where FiftyOne looks, and taking it away, without touching what is not ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import fiftyone as fo
import fiftyone.plugins as fop
import pytest

import fiftyone_avs
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo import install_plugin, uninstall_plugin
from fiftyone_avs.fo.app.plugin_install import FOLDER, MANIFEST, PLUGIN, plugin_source

ROOT = Path(__file__).parents[3]
PACKAGE = Path(fiftyone_avs.__file__).parent


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A plugins folder of this test's own, which is not there yet."""
    folder = tmp_path / "home" / "plugins"
    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    return folder


def found_by_fiftyone():
    return [plugin.name for plugin in fop.list_plugins()]


def content(folder):
    """Relative paths and bytes of the files of a folder, compiled ones left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_the_plugin_is_linked_and_found(plugins):
    assert found_by_fiftyone() == []
    target = install_plugin()
    assert target == plugins / FOLDER and target.is_symlink()
    assert target.resolve() == plugin_source()
    assert found_by_fiftyone() == [PLUGIN]
    operators = fop.get_plugin(PLUGIN).operators
    assert "segment_sounding_objects" in operators


def test_a_copy_is_whole_and_leaves_compiled_files_behind(plugins, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(plugin_source(), source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "operators" / "__pycache__").mkdir()
    monkeypatch.setattr("fiftyone_avs.fo.app.plugin_install.plugin_source", lambda: source)
    target = install_plugin(copy=True)
    assert not target.is_symlink()
    assert content(target) == content(plugin_source())
    assert not list(target.rglob("__pycache__"))
    assert found_by_fiftyone() == [PLUGIN]


def test_installing_again_changes_nothing_or_how_it_is_installed(plugins):
    for copy in (False, False, True, True, False):
        target = install_plugin(copy=copy)
        assert target.is_symlink() is not copy
        assert found_by_fiftyone() == [PLUGIN]
        assert [path.name for path in plugins.iterdir()] == [FOLDER]
    assert (plugin_source() / MANIFEST).is_file()  # links are removed, not what they lead to


def test_an_old_copy_is_brought_up_to_date(plugins):
    target = install_plugin(copy=True)
    (target / "gone_in_the_new_version.py").write_text("")
    (target / "forms.py").write_text("old = True")
    install_plugin(copy=True)
    assert content(target) == content(plugin_source())


def test_a_link_to_a_package_that_is_gone_is_replaced(plugins, tmp_path):
    plugins.mkdir(parents=True)
    (plugins / FOLDER).symlink_to(tmp_path / "an-older-checkout")
    assert install_plugin().resolve() == plugin_source()
    (plugins / FOLDER).unlink()
    (plugins / FOLDER).symlink_to(tmp_path / "an-older-checkout")
    assert uninstall_plugin()
    assert not (plugins / FOLDER).is_symlink()


def test_where_links_cannot_be_made_the_plugin_is_copied(plugins, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    target = install_plugin()
    assert not target.is_symlink() and content(target) == content(plugin_source())


def foreign_folder(target, _elsewhere):
    target.mkdir()
    (target / MANIFEST).write_text('name: "@somebody/else"\n')


def folder_without_manifest(target, _elsewhere):
    target.mkdir()
    (target / "notes.txt").write_text("mine")


def foreign_link(target, elsewhere):
    foreign_folder(elsewhere, None)
    target.symlink_to(elsewhere)


def plain_file(target, _elsewhere):
    target.write_text("mine")


@pytest.mark.parametrize("make", [foreign_folder, folder_without_manifest, foreign_link, plain_file])
def test_what_is_not_ours_is_left_alone(plugins, tmp_path, make):
    plugins.mkdir(parents=True)
    target = plugins / FOLDER
    make(target, tmp_path / "elsewhere")
    was_link, before = target.is_symlink(), content(target) if target.is_dir() else target.read_bytes()
    for change in (install_plugin, lambda: install_plugin(copy=True), uninstall_plugin):
        with pytest.raises(ConfigurationError, match="is not this plugin; move it away first"):
            change()
    assert target.is_symlink() is was_link
    assert (content(target) if target.is_dir() else target.read_bytes()) == before


def test_uninstalling_says_whether_it_was_there(plugins):
    assert uninstall_plugin() is False
    for copy in (False, True):
        install_plugin(copy=copy)
        assert uninstall_plugin() is True
        assert list(plugins.iterdir()) == [] and found_by_fiftyone() == []
    assert uninstall_plugin() is False
    assert (plugin_source() / MANIFEST).is_file()


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path / "file" / "plugins"))
    with pytest.raises(ConfigurationError, match="cannot install the plugin at"):
        install_plugin()
    monkeypatch.setattr(fo.config, "plugins_dir", None)
    for change in (install_plugin, uninstall_plugin):
        with pytest.raises(ConfigurationError, match="FIFTYONE_PLUGINS_DIR"):
            change()


def test_the_plugin_is_found_inside_an_installed_package_and_beside_a_checkout(tmp_path):
    site = tmp_path / "site-packages"
    shutil.copytree(
        PACKAGE, site / "fiftyone_avs", ignore=shutil.ignore_patterns("weights", "__pycache__", "plugin")
    )
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    (place,) = wheel["force-include"].values()
    shutil.copytree(ROOT / "plugin", site / place)
    program = """
import shutil
from pathlib import Path
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.app import plugin_install

package = Path(plugin_install.__file__).parents[2]
print(plugin_install.plugin_source())
shutil.move(package / "plugin", package.parent / "plugin")
print(plugin_install.plugin_source())
(package.parent / "plugin" / "fiftyone.yml").write_text("name: somebody's")
try:
    plugin_install.plugin_source()
except ConfigurationError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    package = site / "fiftyone_avs"
    inside, beside, nowhere = done.stdout.splitlines()[-3:]
    assert (inside, beside) == (str(package / "plugin"), str(site / "plugin"))
    assert nowhere == f"the plugin's files are not in {package}; install fiftyone-avs again"
