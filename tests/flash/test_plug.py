"""The plug is pulled at a hundred places and more; each time the same command, run again, finishes."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.flash.kit import Sources
from tests.flash.pulling import Place, work

_PLACES = {"image": 38, "files": 46, "start": 12, "whole": 6}
# Each waits far more than it works.
_PROCESSES = 6


@pytest.mark.timeout(240)
def test_the_plug_is_pulled_anywhere_and_the_next_run_finishes_with_the_settings_as_they_were(
    sources: Sources,
) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    places = [
        Place(leg, (at + 0.5) / count, at % 2 == 0) for leg, count in _PLACES.items() for at in range(count)
    ]
    context = multiprocessing.get_context("forkserver")
    # What takes longest to import is imported once.
    context.set_forkserver_preload(
        ["esptool.cmds", "esp32_mock_bootloader.server", "mpremote.transport_serial"]
    )
    with ProcessPoolExecutor(_PROCESSES, context) as pool:
        shares = [pool.submit(work, places[at::_PROCESSES], str(sources.root)) for at in range(_PROCESSES)]
        results = [pulled for share in shares for pulled in share.result()]
    assert [pulled for pulled in results if pulled.fault] == []
    assert sum(pulled.was_pulled for pulled in results) >= 100
