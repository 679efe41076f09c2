"""The contract between the virtual board's processes and the firmware's virtual port.

The VM is told everything through environment variables (decimal integers unless said):

    TWINTAP_RADIO_PORT       UDP port of the radio on 127.0.0.1; new at every boot
    TWINTAP_PINS_PORT        UDP port of the pins on 127.0.0.1; new at every boot
    TWINTAP_LINE_FD          descriptor of the motor line's pipe: `open(fd, "wb")`, then write 16-byte records
    TWINTAP_CLOCK_PPM_MILLI  how fast the pulser's clock runs, in thousandths of a ppm; may be negative
    TWINTAP_CLOCK_OFFSET_US  what that clock shows at boot
    TWINTAP_SOCKET_TICK_MS   how often the chip's event loop sees its sockets; 0 is at once
    TWINTAP_BOARD_ID         12 hex digits, the board's hardware address; the same for the life of its state
    TWINTAP_BOOT_COUNT       1 for the first boot since the launcher started
    TWINTAP_RESET_CAUSE      `power`, `watchdog`, `exit` (the VM ended by itself: machine.reset()), `crash`
                             (it ended by an error), or `wake` (from deep sleep, by the button)
    TWINTAP_CRASHES          how often in a row the VM ended by an error or by the watchdog

A VM that ends with the exit code 75 is in deep sleep: it is started anew when the button is pressed.

The working directory is the chip's filesystem.

**Motor line and watchdog** (VM to keeper, a pipe, records of 16 bytes, little-endian, one write each):
`u8 type, u8 a, u16 b, u32 c, u64 host_us`; fields not named are 0.

    1 LINE      b = level_bp 0..10000; host_us = CLOCK_MONOTONIC in us at which the line was set
    2 WDT_ARM   c = timeout_ms 1..600000; it cannot be disarmed except by a reset
    3 WDT_FEED
    4 SIDE      a = 0 none, 1 left, 2 right
    5 LIGHT     c = 0xRRGGBB: what the light shows from now on

**Radio** (UDP, both ends connected). The VM uses one socket for the whole of a boot: the first datagram
decides which, and the radio hears no other. Both ways a datagram is 6 bytes of address (IPv4, then the port,
big-endian) and a payload of at most 1400 bytes: to the radio its destination, to the VM its source. Address
0.0.0.0:0 is the radio itself; the payload then is one byte and its argument:

    to the radio    1 LEAD + IPv4     the daemon is at this address: the radio binds its outside socket to the
                                      address that leads there, and multicast leaves by that interface alone.
                                      Until then 127.0.0.1. May be repeated; it then follows a changed route
                    2 LINK + u8       1 Wi-Fi up (as it is at boot), 0 down: nothing passes either way
                    3 JOIN + u8 + SSID + password
                                      join this network (the u8 is the SSID's length; 0: leave the one it is
                                      on); answered by NETWORK, and by ADDRESS as every control datagram is.
                                      A room without networks lets everything pass from the start: it is `up`
                    4 SCAN            look for networks; answered by HEARD, 0.5 s later
                    5 SAVE + u8       1: the radio sleeps between beacons, and what comes to the board waits
                                      for the next one, up to 307 ms; 0 (as at boot): it listens all the time
    to the VM       1 ADDRESS + IPv4 + port (big-endian)
                                      the board's own outside address; the answer to every control datagram,
                                      and sent when it changes. 0.0.0.0:0: no road leads to the daemon
                    2 NETWORK + u8 + u8 + SSID
                                      how the newest JOIN ended, or that the network was lost: an index
                                      into `NETWORK_STATES` of the firmware's ports, minus dBm, the name
                    3 HEARD + for each network:
                                      u8 minus dBm, u8 channel, u8 whether it is secured, u8 length, SSID

The only multicast destination is 224.0.0.251:5353. What comes to the board is unicast to that address alone.

**Pins** (UDP, both ends connected). The VM sends one byte 255 at boot, from one socket for the whole of a
boot, and may repeat it; the launcher answers with the present state, and sends each change. Datagrams of 8
bytes, little-endian: `u8 op, u8 a, u16 b, u32 c`.

    1 BUTTON    a = 1 down, 0 up
    2 CHARGING  a = 1 or 0
    3 BATTERY   b = millivolts

The serial console is the VM's stdin and stdout.
"""

import struct

LINE_RECORD = struct.Struct("<BBHIQ")
LINE = 1
WDT_ARM = 2
WDT_FEED = 3
SIDE = 4
LIGHT = 5
LIGHT_MAX = 0xFFFFFF
SIDES = ("none", "left", "right")
LEVEL_BP_MAX = 10_000
WDT_TIMEOUT_MS_MAX = 600_000

AIR_ADDRESS = struct.Struct("!4sH")
PAYLOAD_MAX = 1400
RADIO_ITSELF = bytes(6)
RADIO_LEAD = 1
RADIO_LINK = 2
RADIO_JOIN = 3
RADIO_SCAN = 4
RADIO_SAVE = 5
RADIO_ADDRESS = 1
RADIO_NETWORK = 2
RADIO_HEARD = 3
BEACON_NS = 307_200_000
SCAN_NS = 500_000_000
SLEPT = 75
MDNS_GROUP = ("224.0.0.251", 5353)

PINS_RECORD = struct.Struct("<BBHI")
PINS_HELLO = b"\xff"
PIN_BUTTON = 1
PIN_CHARGING = 2
PIN_BATTERY = 3
