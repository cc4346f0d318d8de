"""``fiftyone-avs install-plugin`` and ``uninstall-plugin``: everything inside the FiftyOne App."""

from __future__ import annotations

import argparse

from fiftyone_avs.cli.common import command

INSTALL = """\
Put the plugin where the FiftyOne App finds it: segment, evaluate, compare, look and listen, import and
export, without a terminal. The plugin is linked, so that updating this package updates it.

examples:
  fiftyone-avs install-plugin
  fiftyone-avs install-plugin --copy      copy the files instead of linking them
"""

UNINSTALL = """\
Take the plugin out of the folder where the FiftyOne App finds it. Only a plugin that is this one is
removed. Datasets keep their runs and evaluations, and all that the App did can still be done from Python
and on the command line.

`fiftyone-avs install-plugin` brings it back.

example:
  fiftyone-avs uninstall-plugin
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    installing = command(commands, "install-plugin", "work inside the FiftyOne App", INSTALL)
    installing.add_argument("--copy", action="store_true", help="copy the files instead of linking them")
    installing.set_defaults(run=run_install)
    removing = command(commands, "uninstall-plugin", "take the plugin out of the App", UNINSTALL)
    removing.set_defaults(run=run_uninstall)


def run_install(options: argparse.Namespace) -> int:
    """Install the plugin and say how to go on."""
    from fiftyone_avs.fo import install_plugin

    target = install_plugin(copy=options.copy)
    print(f"the plugin is at {target}{'' if target.is_symlink() else ' (a copy)'}")
    print(
        "start the App, `fiftyone app launch <dataset>`, and press ` (backtick) to see its operators: AVS: ..."
    )
    return 0


def run_uninstall(options: argparse.Namespace) -> int:
    """Remove the plugin, if it is there."""
    from fiftyone_avs.fo import uninstall_plugin

    print("the plugin is removed" if uninstall_plugin() else "the plugin was not installed")
    return 0
