"""The pulser: schedules in, motor edges out, on a chip or on the virtual board.

Modules, from the outside in: `app` puts the parts together; `console` and `uplink` hear people and the
daemon; `motor` drives the edges that the protocol's `Pacer` plans; `port_chip` and `port_virtual` are the two
kinds of hardware, with the interface that `ports` describes.
"""

VERSION = (0, 1, 0)
