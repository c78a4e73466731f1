"""The bench of devices that come and go, once through every kind of trouble. The whole: python -m bench.hotplug"""

from __future__ import annotations

import pytest

from bench.hotplug import KINDS, run

pytestmark = pytest.mark.real


def test_it_hears_and_speaks_again_whatever_happens_to_its_devices() -> None:
    result = run(len(KINDS))
    assert not result["down"]
    assert result["deaf"] == []
    assert result["after"]["descriptors"] <= result["before"]["descriptors"] + 2
