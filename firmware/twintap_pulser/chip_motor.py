"""The motor of a real board: a MOSFET on PWM, or a DRV2605L on I2C.

Both have `set_level(level_bp)`, 0..10000, which allocates nothing and raises nothing: it is called from a
timer's callback, where an error would be printed and forgotten. What a level is in volts stands in `drive`;
`tune` tells the cell's voltage, while nothing runs. `tend` is called now and then by somebody who can wait;
`fault` says in words what is wrong, `is_lost` whether a level could not be given, so that whoever looks after
the pulser can end what runs; `rest` is for a deep sleep.
"""

import time

import machine

from .board_file import motor_range_mv
from .drive import Drive, supply_mv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import BoardFile, Part

_ADDRESS = 0x5A  # of every DRV2605L
_BUS_HZ = 400_000
# A missing chip answers nothing; the bus waits 50 ms for it unless told otherwise, a set's 20 ms guard twice
# over.
_BUS_TIMEOUT_US = 2_000
_WAKE_US = 300  # from EN high until the driver hears its bus: 250 us, says its data sheet
_RETRY_TENDS = 20  # a driver that is not there is sought this seldom: each time costs a bus's time-out
_STATUS = 0x00
_MODE = 0x01
_RTP_INPUT = 0x02
_RATED_VOLTAGE = 0x16
_OD_CLAMP = 0x17
_FEEDBACK = 0x1A
_CONTROL3 = 0x1D
_STANDBY = 0x40
_PLAY = 0x05  # what _RTP_INPUT says, at once
_RTP_FULL = 127  # signed: 0 is still, 127 full drive; below 0 it would brake
_PWM_FULL = 65_535
_SILENT = "the motor's driver does not answer: look at SDA, SCL, EN and its power"
_DEVICE_IDS = (3, 4, 6, 7)  # DRV2605, 2604, 2604L, 2605L: one set of registers for what is used here


class PwmMotor:
    """A MOSFET's gate on a PWM channel. The gate has a pull-down: a pin that floats is off."""

    fault = ""
    is_lost = False

    def __init__(self, part: "Part") -> None:
        self._pwm = machine.PWM(
            machine.Pin(part.pin()), freq=part.number("pwm_hz", 1_000, 40_000), duty_u16=0
        )
        start_mv, full_mv = motor_range_mv(part)
        self._has_range = full_mv > 0
        # Without a range a level is a part of the supply, whatever that is.
        self._drive = Drive(_PWM_FULL, start_mv, full_mv) if full_mv else Drive(_PWM_FULL, 0, 1)
        self.tune(0)

    def set_level(self, level_bp: int) -> None:
        """The level from now on; a register's write."""
        self._pwm.duty_u16(self._drive.of(level_bp))

    def tune(self, cell_mv: int) -> None:
        """The cell has `cell_mv` at rest, 0 unknown. Only while nothing can call `set_level`."""
        if self._has_range:
            self._drive.tune(supply_mv(cell_mv))

    def tend(self) -> None:
        """Nothing of this driver can fail unseen."""

    def rest(self) -> None:
        """Off."""
        self._pwm.duty_u16(0)


class Drv2605lMotor:
    """A DRV2605L that plays what it is told in real time (RTP), in standby after any fault.

    An ERM is driven open loop, an LRA with the driver's own search for its resonance, uncalibrated: a
    calibration would vibrate at a time that nobody chose.
    """

    def __init__(self, part: "Part") -> None:
        self.fault = ""
        self.is_lost = False
        self._is_found = False
        self._is_lra = part.one_of("motor", ("erm", "lra")) == "lra"
        start_mv, self._rated_mv = motor_range_mv(part)
        self._drive = Drive(_RTP_FULL, start_mv, self._rated_mv)
        self._frame = bytearray(2)
        self._is_on = False  # whether the driver may be driving
        self._tends = 0
        enable_pin = part.maybe_pin("enable_pin")
        self._enable: "machine.Pin | None" = None
        if enable_pin >= 0:
            self._enable = machine.Pin(enable_pin, machine.Pin.OUT, value=0)
        # `timeout` is in 1.26 as well; only its stubs have forgotten it.
        self._bus = machine.I2C(  # pyright: ignore[reportCallIssue]
            0,
            scl=machine.Pin(part.pin("scl")),
            sda=machine.Pin(part.pin("sda")),
            freq=_BUS_HZ,
            timeout=_BUS_TIMEOUT_US,
        )
        self._begin()

    def _begin(self) -> None:
        """Sets the driver up, still; in standby or off if it does not answer or is something else."""
        if self._enable is not None:
            self._enable.value(1)
            time.sleep_us(_WAKE_US)
        try:
            self._still()
            if self._bus.readfrom_mem(_ADDRESS, _STATUS, 1)[0] >> 5 not in _DEVICE_IDS:
                self.fault = "what answers at 0x5A is no DRV2605L"
                self._stand_by()
                return
            for register, value in _registers(self._is_lra, self._rated_mv):
                self._write(register, value)
            self._write(_MODE, _PLAY)
        except OSError:
            self.fault = _SILENT
            self._stand_by()
            return
        self.fault = ""
        self._is_found = True

    def _write(self, register: int, value: int) -> None:
        self._frame[0] = register
        self._frame[1] = value
        self._bus.writeto(_ADDRESS, self._frame)

    def _still(self) -> None:
        # RTP_INPUT outlives a reset of the chip, and MODE would play it.
        self._write(_RTP_INPUT, 0)
        self._write(_MODE, _STANDBY)

    def set_level(self, level_bp: int) -> None:
        """The level from now on: three bytes on the bus, about 0.1 ms. Without a driver it is lost.

        Off is tried again each time: the bus may carry it by now.
        """
        if not self._is_found:
            if level_bp:
                self.is_lost = True
            elif self._is_on:
                self._stand_by()
            return
        try:
            self._write(_RTP_INPUT, self._drive.of(level_bp))
            self._is_on = level_bp > 0
        except OSError:
            self.fault = _SILENT
            self.is_lost = True
            self._is_on = True
            self._stand_by()

    def tune(self, cell_mv: int) -> None:
        """Nothing: the driver keeps to the motor's rated voltage by itself."""

    def _stand_by(self) -> None:
        self._is_found = False
        if self._enable is not None:
            # EN low is standby, whatever the bus says.
            self._enable.value(0)
            self._is_on = False
            return
        try:
            self._still()
            self._is_on = False
        except OSError:
            return  # `tend` tries again until the bus carries it

    def tend(self) -> None:
        """Stills a driver that could not be told before, and takes one back that answers again."""
        if self._is_found:
            return
        if self._is_on:
            self._stand_by()
            return
        self._tends += 1
        if self._tends >= _RETRY_TENDS:
            self._tends = 0
            self._begin()

    def rest(self) -> None:
        """Off, and asleep."""
        self._stand_by()


def _registers(is_lra: bool, rated_mv: int) -> "tuple[tuple[int, int], ...]":
    """What makes full drive the motor's rated voltage, and no more. The steps are the data sheet's.

    ERM, open loop: OD_CLAMP of 21.59 mV a step is full drive. LRA, closed loop: RATED_VOLTAGE of about 24 mV
    (RMS, at 175 Hz) a step, and OD_CLAMP of 22.22 mV a step for the peak, which is the RMS times the root of
    2.
    """
    if is_lra:
        return (
            (_RATED_VOLTAGE, min(255, rated_mv // 24)),
            (_OD_CLAMP, min(255, rated_mv * 1_414 // 22_220)),
            (_FEEDBACK, 0xB6),  # the default, and N_ERM_LRA
            (_CONTROL3, 0x80),
        )
    return (
        (_RATED_VOLTAGE, min(255, rated_mv * 100 // 2_118)),
        (_OD_CLAMP, min(255, rated_mv * 100 // 2_159)),
        (_FEEDBACK, 0x36),
        (_CONTROL3, 0xA0),  # the default, and ERM_OPEN_LOOP
    )


def make_motor(board: "BoardFile") -> "PwmMotor | Drv2605lMotor":
    """Gives the driver of the board's motor, still."""
    if board.motor_driver == "pwm":
        return PwmMotor(board.motor)
    return Drv2605lMotor(board.motor)
