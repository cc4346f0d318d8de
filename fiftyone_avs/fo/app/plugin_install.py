"""Put the App's plugin where FiftyOne looks for plugins, and take it away again."""

from __future__ import annotations

import shutil
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError

PLUGIN = "@fiftyone-avs/avs"
"""The plugin's name in FiftyOne; its operators are ``@fiftyone-avs/avs/<name>``."""

MANIFEST = "fiftyone.yml"
FOLDER = "fiftyone-avs"


def plugin_source() -> Path:
    """The folder of the plugin that came with this package: in a wheel inside it, in a checkout beside it.

    Raises:
        ConfigurationError: if the package was installed without it.
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "plugin", package.parent / "plugin"):
        if _is_ours(folder):
            return folder
    raise ConfigurationError(f"the plugin's files are not in {package}; install fiftyone-avs again")


def install_plugin(*, copy: bool = False) -> Path:
    """Let the FiftyOne App find the plugin. Doing it again brings an earlier installation up to date.

    Args:
        copy: copy the plugin's files; by default they are linked, so that an update of the package is an
            update of the plugin. Where links cannot be made, they are copied.

    Returns:
        Where the plugin is now, in ``fo.config.plugins_dir``.

    Raises:
        ConfigurationError: if something else is at that place, or it cannot be written.
    """
    source = plugin_source()
    target = _target()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(target)
        if copy or not _link(target, source):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise ConfigurationError(
            f"cannot install the plugin at {target}: {error.strerror or error}"
        ) from error
    return target


def uninstall_plugin() -> bool:
    """Take the plugin out of FiftyOne's plugins; datasets keep their runs and evaluations.

    Returns:
        Whether it was there.

    Raises:
        ConfigurationError: if something else is at that place, or it cannot be removed.
    """
    target = _target()
    try:
        return _remove(target)
    except OSError as error:
        raise ConfigurationError(f"cannot remove {target}: {error.strerror or error}") from error


def _target() -> Path:
    if fo.config.plugins_dir is None:
        raise ConfigurationError("FiftyOne has no plugins folder; set FIFTYONE_PLUGINS_DIR")
    return Path(fo.config.plugins_dir).expanduser() / FOLDER


def _remove(target: Path) -> bool:
    """Remove an installed plugin, linked or copied; anything else that is there is not ours to remove."""
    is_link = target.is_symlink()
    if not is_link and not target.exists():
        return False
    if target.exists() and not _is_ours(target):  # a link to nowhere was made by a package that is gone
        raise ConfigurationError(f"{target} is not this plugin; move it away first")
    if is_link:
        target.unlink()
    else:
        shutil.rmtree(target)
    return True


def _is_ours(folder: Path) -> bool:
    manifest = folder / MANIFEST
    return manifest.is_file() and PLUGIN in manifest.read_text(encoding="utf-8")


def _link(target: Path, source: Path) -> bool:
    try:
        target.symlink_to(source, target_is_directory=True)
    except OSError:  # Windows without the right to make links, some network drives
        return False
    return True
