"""Free memory is the least that the machine, its control groups and the process's own limits leave."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fiftyone_avs.engine.memory import free_memory, held_memory

GB = 1 << 30


@pytest.fixture
def machine(tmp_path):
    """A root folder; returns how to write its files."""

    def write(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    def begin(available_gb, group):
        write(
            **{
                "proc__meminfo": f"MemTotal: {32 * GB // 1024} kB\nMemAvailable: {available_gb * GB // 1024} kB\n"
            }
        )
        return write(**{"proc__self__cgroup": group})

    begin.write = write
    return begin


def test_without_limits_it_is_what_the_machine_has(machine):
    assert free_memory(machine(12, "0::/user.slice\n")) == 12 * GB


@pytest.mark.parametrize("around", [False, True])
def test_a_control_group_of_version_2_counts_and_so_does_the_one_around_it(machine, around):
    root = machine(12, "0::/pod/container\n")
    own, other = ("pod", "pod/container") if around else ("pod/container", "pod")
    for group, limit in ((own, str(8 * GB)), (other, "max")):
        place = f"sys/fs/cgroup/{group}/".replace("/", "__")
        files = {
            "memory.max": limit,
            "memory.current": str(6 * GB),
            "memory.stat": f"anon 1\ninactive_file {GB}\n",
        }
        machine.write(**{place + name: content for name, content in files.items()})
    assert free_memory(root) == 3 * GB  # what is only a file's copy is let go


def test_inside_a_container_the_top_is_the_containers_own_group(machine):
    root = machine(12, "0::/system.slice/of-the-host\n")
    machine.write(**{"sys__fs__cgroup__memory.max": str(4 * GB), "sys__fs__cgroup__memory.current": str(GB)})
    assert free_memory(root) == 3 * GB


@pytest.mark.parametrize(("limit", "free"), [(5 * GB, 3 * GB), (9223372036854771712, 12 * GB)])
def test_a_control_group_of_version_1(machine, limit, free):
    root = machine(12, "9:cpu:/x\n4:memory:/job\n")
    place = "sys__fs__cgroup__memory__job__memory."
    machine.write(**{place + "limit_in_bytes": str(limit), place + "usage_in_bytes": str(2 * GB)})
    assert free_memory(root) == free


def test_over_the_limit_nothing_is_left(machine):
    root = machine(12, "0::/\n")
    machine.write(**{"sys__fs__cgroup__memory.max": "10", "sys__fs__cgroup__memory.current": "20"})
    assert free_memory(root) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process what it holds")
def test_the_limits_of_ulimit_count():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, -1));"
        "from fiftyone_avs.engine.memory import free_memory; print(free_memory())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 0 < int(out) < 2 << 30


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process what it holds")
def test_a_process_knows_what_it_holds_and_held():
    now, most = held_memory()
    assert 0 < now <= most
