"""The virtual board: what surrounds the pulser's firmware on a laptop, in place of a chip's hardware.

One board is four processes, started and watched by the first of them (`python -m twintap_board`):

    launcher   the power supply: starts the others, restarts a VM that ends, bridges the serial console
    VM         the real MicroPython VM, running the firmware from the board's own flash folder
    keeper     the motor line and the hardware watchdog; it outlives a hung or killed VM
    radio      the air: the VM's only network, with its delays and losses

`wire` is the contract between them and the firmware's virtual port. Nothing here is imported by the firmware,
and nothing here knows the protocol's frames.
"""
