"""A small app for the tests of the board: obeys words on the console, echoes the air, reports the pins."""

import os
import select
import socket
import struct
import sys
import time

record = bytearray(16)
line = open(int(os.getenv("TWINTAP_LINE_FD")), "wb")  # noqa: SIM115


def tell(kind, a=0, b=0, c=0):
    struct.pack_into("<BBHIQ", record, 0, kind, a, b, c, time.ticks_us())
    line.write(record)


def connected(name):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("127.0.0.1", int(os.getenv(name)))[0][-1])
    return sock


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


radio = connected("TWINTAP_RADIO_PORT")
pins = connected("TWINTAP_PINS_PORT")
pins.send(b"\xff")


def dotted(address):
    return ".".join(str(byte) for byte in address)


def heard(datagram):
    host, port = datagram[:4], struct.unpack(">H", datagram[4:6])[0]
    if datagram[:7] == bytes(6) + b"\x02":
        say("network", datagram[7], datagram[8], datagram[9:].decode())
    elif datagram[:7] == bytes(6) + b"\x03":
        say("heard", datagram[7:].hex())
    elif datagram[:6] == bytes(6):
        say("address", dotted(datagram[7:11]), struct.unpack(">H", datagram[11:13])[0])
    elif datagram[6:] == b"quiet":
        return
    elif datagram[6:11] == b"echo ":
        radio.send(datagram)
    else:
        say("heard", dotted(host), port, datagram[6:].decode())


def obey(words):
    verb, rest = words[0], [int(word) for word in words[1:] if word.isdigit()]
    if verb == "echo":
        say(*words[1:])
    elif verb == "environ":
        say(os.getenv(words[1]))
    elif verb == "line":
        tell(1, b=rest[0])
    elif verb == "side":
        tell(4, a=rest[0])
    elif verb == "arm":
        tell(2, c=rest[0])
    elif verb == "garbage":
        line.write(bytes([99]) * 16)
    elif verb == "lead":
        radio.send(bytes(6) + b"\x01" + bytes(int(part) for part in words[1].split(".")))
    elif verb == "link":
        radio.send(bytes(6) + bytes((2, rest[0])))
    elif verb == "join":
        name = words[1] if len(words) > 1 else ""
        word = words[2] if len(words) > 2 else ""
        radio.send(bytes(6) + bytes((3, len(name))) + name.encode() + word.encode())
    elif verb == "scan":
        radio.send(bytes(6) + b"\x04")
    elif verb == "save":
        radio.send(bytes(6) + bytes((5, rest[0])))
    elif verb == "light":
        tell(5, c=rest[0])
    elif verb == "sleep":
        sys.exit(75)
    elif verb == "send":
        host = bytes(int(part) for part in words[1].split("."))
        radio.send(host + struct.pack(">H", int(words[2])) + words[3].encode())
    elif verb == "fill":
        sys.stdout.write("x" * rest[0])
    elif verb == "heap":
        import gc

        gc.collect()
        say(gc.mem_free() + gc.mem_alloc())
    elif verb == "raise":
        raise ValueError("a traceback is wanted")
    elif verb == "exit":
        sys.exit(0)
    say("did", verb)


poll = select.poll()
for source in (sys.stdin, radio, pins):
    poll.register(source, select.POLLIN)
say("up", os.getenv("TWINTAP_BOOT_COUNT"), os.getenv("TWINTAP_RESET_CAUSE"))
while True:
    for source, _event in poll.poll(1000):
        if source is sys.stdin:
            words = sys.stdin.readline()
            if not words:
                sys.exit(0)
            obey(words.split())
        elif source is radio:
            heard(radio.recv(1500))
        else:
            say("pin", *struct.unpack("<BBHI", pins.recv(8)))
