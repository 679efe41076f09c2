"""Runs in the MicroPython VM: the motors and lights of real boards over stand-ins. Prints `ok` or dies."""

import asyncio
import gc

import micropython
from chip_stand_ins import BOARD, DRIVER, I2C, PWM, Module, Pin, power_the_driver

from twintap_pulser import chip_light, chip_motor, port_chip
from twintap_pulser.board_file import BoardFile, Part

RTP = 0x02
MODE = 0x01
STANDBY = 0x40
PLAY = 0x05


def driver(**changes):
    fields = dict(DRIVER)
    fields.update(changes)
    I2C.enable = fields["enable_pin"]
    return chip_motor.Drv2605lMotor(Part("motor", fields))


class Duty:
    """A PWM channel that keeps its last duty, and allocates nothing."""

    def __init__(self):
        self.duty = 0

    def duty_u16(self, duty):
        self.duty = duty


def a_level_is_a_voltage_whatever_the_cell_has():
    fields = {"driver": "pwm", "pin": 25, "pwm_hz": 20_000, "start_mv": 1_300, "full_mv": 3_000}
    motor = chip_motor.PwmMotor(Part("motor", fields))
    assert PWM.all[25].duties == [0]
    channel = motor._pwm = Duty()
    for cell_mv, taken_mv in (
        (None, 4_200),  # before anything is known
        (4_200, 4_200),
        (3_840, 3_840),
        (3_500, 3_500),
        (3_300, 3_300),
        (3_299, 3_300),
        (3_000, 3_300),
        (2_999, 4_200),
        (4_350, 4_350),
        (4_401, 4_200),
        (0, 4_200),
        (65_535, 4_200),
    ):
        if cell_mv is not None:
            motor.tune(cell_mv)
        last = 0
        for level_bp, mean_mv in ((0, 0), (1, 1_300), (4_000, 1_980), (8_000, 2_660), (10_000, 3_000)):
            motor.set_level(level_bp)
            step_mv = 3 * taken_mv // 65_535 + 1
            assert 0 <= mean_mv - channel.duty * taken_mv // 65_535 <= step_mv, (
                cell_mv,
                level_bp,
                channel.duty,
            )
            assert channel.duty > last or level_bp == 0
            last = channel.duty
    for level_bp in (8_000, 1, 0, 10_000):
        gc.collect()
        used = gc.mem_alloc()
        micropython.heap_lock()
        motor.set_level(level_bp)
        micropython.heap_unlock()
        assert gc.mem_alloc() == used  # an edge allocates nothing
    # Without the two a level is a part of the supply, and no cell changes that.
    plain = chip_motor.PwmMotor(Part("motor", {"driver": "pwm", "pin": 25, "pwm_hz": 20_000}))
    for cell_mv in (0, 3_500, 4_200):
        plain.tune(cell_mv)
        for level_bp in (10_000, 4_000, 1, 0):
            plain.set_level(level_bp)
    assert PWM.all[25].duties == [0] + 3 * [65_535, 26_214, 6, 0], PWM.all[25].duties


def a_driver_s_level_begins_where_its_motor_starts():
    power_the_driver()
    motor = driver(start_mv=1_300)
    motor.tune(3_500)  # it regulates by itself
    for level_bp, value in ((0, 0), (1, 55), (4_000, 83), (10_000, 127)):
        motor.set_level(level_bp)
        assert I2C.registers[RTP] == value, (level_bp, I2C.registers[RTP])


def plays_what_it_is_told():
    power_the_driver()
    motor = driver()
    assert motor.fault == ""
    assert I2C.pins == (22, 21)
    assert I2C.registers[MODE] == PLAY
    assert I2C.registers[RTP] == 0
    assert Pin.all[23].level == 1
    # 3.0 V of 21.59 mV a step; open loop, signed.
    assert I2C.registers[0x17] == 138, I2C.registers[0x17]
    assert I2C.registers[0x1A] & 0x80 == 0
    assert I2C.registers[0x1D] & 0x28 == 0x20
    for level_bp, value in ((10_000, 127), (5_000, 63), (78, 0), (79, 1), (0, 0)):
        motor.set_level(level_bp)
        assert I2C.registers[RTP] == value, (level_bp, I2C.registers[RTP])
    gc.collect()
    before = gc.mem_alloc()
    motor.set_level(6_000)
    assert gc.mem_alloc() == before  # an edge allocates nothing
    motor.rest()
    assert Pin.all[23].level == 0


def an_lra_is_driven_closed_loop():
    power_the_driver()
    driver(motor="lra", rated_mv=2_000)
    assert I2C.registers[0x1A] & 0x80
    assert I2C.registers[0x1D] & 0x29 == 0
    assert I2C.registers[0x16] == 83
    assert I2C.registers[0x17] == 127


def what_it_was_told_before_a_reset_is_not_played():
    power_the_driver()
    I2C.registers[RTP] = 127
    I2C.registers[MODE] = PLAY
    driver(enable_pin=None)
    assert I2C.registers[RTP] == 0


def a_driver_that_is_missing_moves_nothing_and_is_found_when_it_comes():
    power_the_driver()
    I2C.is_there = False
    motor = driver()
    assert "does not answer" in motor.fault
    assert Pin.all[23].level == 0
    motor.set_level(0)
    assert not motor.is_lost
    motor.set_level(1_000)
    assert motor.is_lost
    I2C.is_there = True
    motor = driver()
    I2C.is_there = False
    motor.set_level(0)
    I2C.is_there = True
    assert motor.fault
    for _ in range(20):
        motor.tend()
    assert motor.fault == ""
    motor.set_level(10_000)
    assert I2C.registers[RTP] == 127


def a_stranger_on_the_bus_is_not_driven():
    power_the_driver(device_id=1)
    motor = driver()
    assert "no DRV2605L" in motor.fault
    assert Pin.all[23].level == 0
    assert I2C.registers[0x17] == 0x89


def a_driver_that_is_lost_at_work_is_off_by_its_enable_pin():
    power_the_driver()
    motor = driver()
    motor.set_level(8_000)
    I2C.is_there = False
    motor.set_level(8_500)
    assert motor.is_lost
    assert Pin.all[23].level == 0
    I2C.is_there = True


def without_an_enable_pin_it_is_stilled_as_soon_as_the_bus_carries_it():
    power_the_driver()
    motor = driver(enable_pin=None)
    motor.set_level(8_000)
    I2C.is_there = False
    motor.set_level(0)
    assert motor.is_lost
    motor.tend()
    assert I2C.registers[RTP] == 101  # nothing gets through
    I2C.is_there = True
    motor.tend()
    assert I2C.registers[RTP] == 0
    assert I2C.registers[MODE] == STANDBY


def without_an_enable_pin_each_off_is_tried_on_the_bus():
    power_the_driver()
    motor = driver(enable_pin=None)
    motor.set_level(8_000)
    I2C.is_there = False
    motor.set_level(9_000)
    I2C.is_there = True
    motor.set_level(0)  # the program's last word, when it ends for the lost motor
    assert I2C.registers[RTP] == 0
    assert I2C.registers[MODE] == STANDBY


async def a_motor_lost_at_work_ends_the_program():
    power_the_driver()
    fields = dict(BOARD)
    fields["motor"] = DRIVER
    I2C.enable = 23
    sockets = Module()
    sockets.AF_INET = sockets.SOCK_DGRAM = 0
    sockets.socket = lambda *_: None
    port_chip.socket = sockets
    port = port_chip.ChipPort(BoardFile(fields))
    task = asyncio.create_task(port._tend())
    await asyncio.sleep_ms(250)
    assert not task.done()
    port.set_level(5_000)
    I2C.is_there = False
    port.set_level(6_000)
    await asyncio.sleep_ms(250)
    assert task.done()
    said = ""
    try:
        await task
    except port_chip.MotorLost as error:
        said = str(error)
    assert "does not answer" in said
    assert port.motor_fault()
    I2C.is_there = True


def lights():
    led = chip_light.LedLight(Part("light", {"kind": "led", "pin": 4, "lit": 0}))
    assert Pin.all[4].level == 1
    led.set(0, 0, 1)
    assert Pin.all[4].level == 0
    led.set(0, 0, 0)
    assert Pin.all[4].level == 1
    led = chip_light.LedLight(Part("light", {"kind": "led", "pin": 4}))
    led.set(255, 0, 0)
    assert Pin.all[4].level == 1
    legs = {"kind": "rgb_pwm", "red_pin": 13, "green_pin": 18, "blue_pin": 19}
    light = chip_light.RgbLight(Part("light", legs))
    light.set(255, 1, 0)
    assert [PWM.all[pin].duties[-1] for pin in (13, 18, 19)] == [65_535, 257, 0]
    legs["lit"] = 0
    light = chip_light.RgbLight(Part("light", legs))
    assert PWM.all[13].duties == [65_535]
    light.set(255, 1, 0)
    assert [PWM.all[pin].duties[-1] for pin in (13, 18, 19)] == [0, 65_278, 65_535]
    for kind, expected in (("led", "LedLight"), ("ws2812", "Ws2812Light"), ("rgb_pwm", "RgbLight")):
        fields = dict(BOARD)
        fields["light"] = {"kind": kind, "pin": 26, "red_pin": 13, "green_pin": 18, "blue_pin": 19}
        assert type(chip_light.make_light(BoardFile(fields))).__name__ == expected


a_level_is_a_voltage_whatever_the_cell_has()
a_driver_s_level_begins_where_its_motor_starts()
plays_what_it_is_told()
an_lra_is_driven_closed_loop()
what_it_was_told_before_a_reset_is_not_played()
a_driver_that_is_missing_moves_nothing_and_is_found_when_it_comes()
a_stranger_on_the_bus_is_not_driven()
a_driver_that_is_lost_at_work_is_off_by_its_enable_pin()
without_an_enable_pin_it_is_stilled_as_soon_as_the_bus_carries_it()
without_an_enable_pin_each_off_is_tried_on_the_bus()
asyncio.run(a_motor_lost_at_work_ends_the_program())
lights()
print("ok")
