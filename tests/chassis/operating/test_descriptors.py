"""How many connections there are descriptors for."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

from services.chassis.operating.descriptors import Descriptors


@pytest.mark.parametrize("number", [64, 256, 1024, 4096, 65_536, 1 << 20])
def test_connections_never_take_the_descriptors_of_files(number: int) -> None:
    """Open connections and those that are accepted in one go leave at least a quarter, or 512 where there are many."""
    here = Descriptors(number)
    assert here.connections + here.backlog <= number - min(512, number // 4)
    assert here.connections >= number // 2


@pytest.mark.parametrize(("wished", "given"), [(100, 100), (100_000, 640), (0, 640)])
def test_a_setting_is_bound_by_what_there_is(wished: int, given: int) -> None:
    """With 1,024 descriptors: 256 for files, 128 for those who wait to be accepted."""
    assert Descriptors(1024).bound(wished) == given


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    """Many systems give 1,024 to anyone who does not ask for more."""
    program = (
        "import resource, json; from services.chassis.operating.descriptors import raise_limit; here = raise_limit(); "
        "print(json.dumps([here.number, resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))"
    )

    def low() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1000))

    ran = subprocess.run([sys.executable, "-c", program], preexec_fn=low, capture_output=True, check=True)
    assert json.loads(ran.stdout) == [1000, 1000]
