"""What a report says: all that the pulser knows of itself, gathered at the moment of sending."""

from twintap_protocol.frames import (
    FLAG_BUTTON,
    FLAG_CHARGING,
    FLAG_IDENTIFY,
    FLAG_LEASED,
    FLAG_SET,
    FLAG_VIBRATING,
    Report,
)
from twintap_protocol.pacer import BUZZ

from . import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from twintap_protocol.pacer import Pacer

    from .battery import Battery
    from .motor import Motor
    from .port_contract import Port
    from .power import Power
    from .settings import Settings
    from .settle import Settler

_COUNT_MAX = 65_535


class Teller:
    """Fills the one report that is sent again and again."""

    def __init__(
        self,
        port: "Port",
        settings: "Settings",
        pacer: "Pacer",
        motor: "Motor",
        battery: "Battery",
        power: "Power",
        settler: "Settler",
    ) -> None:
        self._port = port
        self._settings = settings
        self._pacer = pacer
        self._motor = motor
        self._battery = battery
        self._power = power
        self._settler = settler
        self._report = Report()
        self._report.version_major, self._report.version_minor, self._report.version_patch = VERSION
        self._report.boot_cause = port.boot_cause()

    def report(self, dropped: int, stamps: "list[tuple[int, int, int, int]]") -> Report:
        """The report of this moment: the same object each time."""
        report = self._report
        self._tell_set(report)
        self._tell_rest(report)
        report.dropped = dropped
        report.stamps = stamps
        return report

    def _tell_set(self, report: Report) -> None:
        pacer = self._pacer
        flags = 0
        if pacer.set_id:
            flags |= FLAG_SET
        if pacer.leased:
            flags |= FLAG_LEASED
        if pacer.level_bp:
            flags |= FLAG_VIBRATING
        if pacer.charging:
            flags |= FLAG_CHARGING
        if pacer.state == BUZZ:
            flags |= FLAG_IDENTIFY
        if self._port.button_down():
            flags |= FLAG_BUTTON
        report.flags = flags
        report.set_id = pacer.set_id
        report.revision = pacer.revision
        report.ended_set = pacer.ended_set
        report.ended_reason = pacer.ended_reason
        report.pass_no = pacer.pass_no
        report.delivered = pacer.delivered
        report.skipped = pacer.skipped
        report.late = pacer.late
        report.latest_us = pacer.latest_us
        report.ceiling_bp = pacer.ceiling_bp
        report.trim_bp = pacer.trim_bp

    def _tell_rest(self, report: Report) -> None:
        power = self._power
        report.side = self._settings.side
        report.presses = self._motor.presses & _COUNT_MAX
        report.battery_mv = self._battery.mv
        report.battery = self._battery.state
        report.power = power.state
        report.idle_s = power.idle_s
        report.sleep_in_s = power.sleep_in_s()
        report.settled = self._settler.settled
        report.settled_result = self._settler.result
        report.networks = len(self._settings.networks)
        report.rssi = -self._port.rssi_dbm()
