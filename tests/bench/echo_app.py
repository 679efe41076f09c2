# A bare echo in the board's VM, behind the board's own radio: what the air alone takes. It answers each
# datagram at once, with the host's CLOCK_MONOTONIC in µs at its arrival appended; it knows no pulsers.
import json
import os
import socket
import struct
import time

radio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
radio.connect(socket.getaddrinfo("127.0.0.1", int(os.getenv("TWINTAP_RADIO_PORT")))[0][-1])
radio.send(bytes(6) + b"\x01\x7f\0\0\x01")
while True:
    datagram = radio.recv(1500)
    now_us = time.ticks_us()
    if datagram[:6] != bytes(6):
        radio.send(datagram + struct.pack("<Q", now_us))
    elif len(datagram) == 13:
        with open("echo.json", "w") as file:
            file.write(json.dumps({"port": struct.unpack(">H", datagram[11:13])[0]}))
