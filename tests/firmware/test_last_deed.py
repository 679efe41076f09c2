"""However the program ends, the motor is off when it has."""

from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from tests.firmware.pulser_parts import app as app_module
from tests.firmware.sim import SimPort


@pytest.mark.parametrize(
    "error", [MemoryError("full"), OSError(5), SystemExit()], ids=["memory", "disk", "exit"]
)
def test_a_program_that_dies_in_a_buzz_leaves_the_motor_off(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    port: Any = SimPort()
    made: list[Any] = []

    def make_app(*parts: Any) -> Any:
        made.append(app_class(*parts))
        return made[0]

    def run(work: Coroutine[Any, Any, None]) -> None:
        work.close()
        (app,) = made
        app.motor.hold()
        assert app.pacer.identify(500, 4_000, port.ticks_us())
        app.motor.release()
        while not app.pacer.level_bp:
            port.now_us += 5_000
            app.motor.on_edge()
        assert port.levels[-1][1] > 0
        raise error

    app_class = app_module.App
    board = SimpleNamespace(
        name="sim", board_id="sim", absolute_cap_pct=80, has_colour=True, light_kind="ws2812",
        motor_driver="pwm", drowsy_after_s=600, sleep_after_s=None,
    )  # fmt: skip
    port.run = run
    monkeypatch.setattr(app_module, "App", make_app)
    monkeypatch.setattr(app_module, "read_board_file", lambda: board)
    monkeypatch.setattr(app_module, "make_port", lambda _board: port)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(type(error)):
        app_module.run()
    assert port.levels[-1][1] == 0
    # Nor does a late wake-up turn it on again.
    made[0].motor.on_edge()
    assert port.levels[-1][1] == 0
