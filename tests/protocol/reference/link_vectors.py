"""The cases of vectors/link.json: little plays between a pulser and its daemon, datagram by datagram."""

from tests.protocol.reference import frame_vectors, links
from tests.protocol.reference.frames import KINDS, payload

PAIR = {
    "pulser_id": bytes.fromhex("a0a1a2a3a4a5a6a7"),
    "daemon_id": bytes.fromhex("d0d1d2d3d4d5d6d7"),
    "key": bytes.fromhex("000102030405060708090a0b0c0d0e0f"),
}
STRANGER = dict(PAIR, key=bytes.fromhex("ff0102030405060708090a0b0c0d0e0f"))
BOOT_ID = bytes.fromhex("b0b1b2b3")
FIRMWARE = (0, 1, 2)
NONCE_P = bytes(range(0x10, 0x20))
NONCE_D = bytes(range(0x20, 0x30))
LINK_ID = bytes.fromhex("c1c2c3c4")
NONCE_P2 = bytes(range(0x30, 0x40))
NONCE_D2 = bytes(range(0x40, 0x50))
LINK_ID2 = bytes.fromhex("e1e2e3e4")
ENDED = 6

KEYS = links.link_keys(PAIR, NONCE_P, NONCE_D, LINK_ID)
KEYS2 = links.link_keys(PAIR, NONCE_P2, NONCE_D2, LINK_ID2)
HELLO = links.hello(PAIR, NONCE_P, BOOT_ID, FIRMWARE)
HELLO2 = links.hello(PAIR, NONCE_P2, BOOT_ID, FIRMWARE)
WELCOME = links.welcome(PAIR, NONCE_P, NONCE_D, LINK_ID, ENDED)
WELCOME2 = links.welcome(PAIR, NONCE_P2, NONCE_D2, LINK_ID2, ENDED + 1)

REPORT = payload("report", frame_vectors.EMPTY_REPORT)
LEASE = payload("lease", dict(frame_vectors.LEASE, set_id=0))
SCHEDULE = payload("schedule", frame_vectors.SCHEDULE)
STOP = payload("stop", {"set_id": 7})


def to_pulser(counter, frame, data, keys=KEYS, link_id=LINK_ID, **more):
    """A sealed frame of the daemon's."""
    return links.seal(keys, links.TO_PULSER, link_id, counter, frame, data, **more)


def to_daemon(counter, frame, data, keys=KEYS, link_id=LINK_ID, **more):
    """A sealed frame of the pulser's."""
    return links.seal(keys, links.TO_DAEMON, link_id, counter, frame, data, **more)


# --- steps: what is done at which end, and what must come of it ------------------------------------------


def p_hello(nonce=NONCE_P, sends=HELLO):
    return {"pulser": "hello", "nonce": nonce.hex(), "sends": sends.hex()}


def p_receives(data, state, frame=None, refused=None, **more):
    step = {"pulser": "receive", "datagram": data.hex(), "state": state} | more
    return step | ({"refused": refused} if refused else {"kind": KINDS[frame]})


def p_seals(on, frame, data, sends):
    return {"pulser": "seal", "on": on, "kind": KINDS[frame], "payload": data.hex(), "sends": sends.hex()}


def p_lost():
    return {"pulser": "lost", "state": "idle"}


def d_welcomes(hello=HELLO, nonce=NONCE_D, link_id=LINK_ID, ended=ENDED, sends=WELCOME, link="first"):
    return {
        "daemon": "welcome",
        "hello": hello.hex(),
        "nonce": nonce.hex(),
        "link_id": link_id.hex(),
        "ended_set": ended,
        "sends": sends.hex(),
        "link": link,
    }


def d_opens(data, link="first", refused=None, **more):
    step = {"daemon": "open", "link": link, "datagram": data.hex()} | more
    return step | ({"refused": refused} if refused else {})


def d_seals(frame, data, sends, link="first"):
    return {
        "daemon": "seal",
        "link": link,
        "kind": KINDS[frame],
        "payload": data.hex(),
        "sends": sends.hex(),
    }


def d_hears(data, **outcome):
    return {"daemon": "hello", "datagram": data.hex()} | outcome


MEET = [
    p_hello(),
    d_welcomes(),
    p_receives(WELCOME, "welcomed", "welcome"),
    p_seals("pending", "report", REPORT, to_daemon(0, "report", REPORT)),
    d_opens(to_daemon(0, "report", REPORT), payload=REPORT.hex(), proved=True),
    d_seals("lease", LEASE, to_pulser(0, "lease", LEASE)),
    p_receives(
        to_pulser(0, "lease", LEASE), "linked", "lease", payload=LEASE.hex(), is_new=True, ended_set=ENDED
    ),
]
MEET_AGAIN = [
    p_hello(NONCE_P2, HELLO2),
    d_welcomes(HELLO2, NONCE_D2, LINK_ID2, ENDED + 1, WELCOME2, "second"),
    p_receives(WELCOME2, "welcomed again", "welcome"),
]


def _flip(data, at):
    return data[:at] + bytes((data[at] ^ 0x01,)) + data[at + 1 :]


def _links():
    yield "a link is made", MEET
    yield (
        "each direction counts for itself",
        [
            *MEET,
            d_seals("schedule", SCHEDULE, to_pulser(1, "schedule", SCHEDULE)),
            p_receives(
                to_pulser(1, "schedule", SCHEDULE), "linked", "schedule", payload=SCHEDULE.hex(), is_new=False
            ),
            p_seals("channel", "probe", b"\x05\x00", to_daemon(1, "probe", b"\x05\x00")),
            d_opens(to_daemon(1, "probe", b"\x05\x00"), payload="0500"),
            d_seals("echo", b"\x05\x00", to_pulser(2, "echo", b"\x05\x00")),
            p_receives(to_pulser(2, "echo", b"\x05\x00"), "linked", "echo", payload="0500"),
        ],
    )
    yield (
        "frames out of order are taken, each once",
        [
            *MEET,
            p_receives(to_pulser(70, "stop", STOP), "linked", "stop", payload=STOP.hex()),
            p_receives(to_pulser(69, "lease", LEASE), "linked", "lease", payload=LEASE.hex()),
            p_receives(to_pulser(7, "lease", LEASE), "linked", "lease", payload=LEASE.hex()),
            p_receives(to_pulser(6, "lease", LEASE), "linked", refused="replay"),
            p_receives(to_pulser(69, "lease", LEASE), "linked", refused="replay"),
            p_receives(to_pulser(70, "stop", STOP), "linked", refused="replay"),
        ],
    )
    yield (
        "the last counter, and one past it",
        [
            *MEET,
            p_receives(to_pulser(2**30 - 1, "stop", STOP), "linked", "stop", payload=STOP.hex()),
            p_receives(to_pulser(2**30, "stop", STOP), "linked", refused="replay"),
            p_receives(to_pulser(2**32 - 1, "stop", STOP), "linked", refused="replay"),
        ],
    )
    first = to_pulser(1, "stop", STOP)
    yield (
        "a frame that was changed anywhere is refused, and the true one still taken",
        [
            *MEET,
            p_receives(_flip(first, 0), "linked", refused="magic"),
            p_receives(_flip(first, 1), "linked", refused="tag"),
            p_receives(_flip(first, 2), "linked", refused="tag"),
            p_receives(_flip(first, 3), "linked", refused="tag"),
            p_receives(_flip(first, 4), "linked", refused="link"),
            p_receives(_flip(first, 7), "linked", refused="link"),
            p_receives(_flip(first, 9), "linked", refused="tag"),
            p_receives(_flip(first, 12), "linked", refused="tag"),
            p_receives(_flip(first, len(first) - 1), "linked", refused="tag"),
            p_receives(first[:-1], "linked", refused="tag"),
            p_receives(first[:19], "linked", refused="length"),
            p_receives(first + b"\0", "linked", refused="tag"),
            p_receives(first, "linked", "stop", payload=STOP.hex()),
        ],
    )
    yield (
        "a frame goes one way only",
        [
            *MEET,
            p_receives(to_daemon(1, "report", REPORT), "linked", refused="kind"),
            p_receives(
                links.seal(KEYS, links.TO_PULSER, LINK_ID, 1, "report", REPORT), "linked", refused="kind"
            ),
            # The pulser's own key under a daemon's kind: what a mirror could send.
            p_receives(links.seal(KEYS, links.TO_DAEMON, LINK_ID, 1, "stop", STOP), "linked", refused="tag"),
            d_opens(to_pulser(1, "stop", STOP), refused="kind"),
            d_opens(links.seal(KEYS, links.TO_PULSER, LINK_ID, 1, "report", REPORT), refused="tag"),
        ],
    )
    yield (
        "an earlier minor version: a daemon of 1.0, and then one of 1.1 again",
        [
            p_hello(),
            p_receives(links.welcome(PAIR, NONCE_P, NONCE_D, LINK_ID, ENDED, 0x10), "welcomed", "welcome"),
            p_receives(to_pulser(0, "lease", LEASE, frame_version=0x10), "linked", "lease", minor=0),
            p_receives(to_pulser(1, "lease", LEASE), "linked", "lease", minor=1),
            p_receives(
                to_pulser(2, "lease", LEASE + b"more", frame_version=0x10), "linked", "lease", minor=0
            ),
        ],
    )
    yield (
        "a later minor version",
        [
            p_hello(),
            d_hears(
                links.hello(PAIR, NONCE_P, BOOT_ID, FIRMWARE, 0x13, b"more"),
                pulser_id=PAIR["pulser_id"].hex(),
                nonce=NONCE_P.hex(),
                is_from=True,
            ),
            p_receives(
                links.welcome(PAIR, NONCE_P, NONCE_D, LINK_ID, ENDED, 0x13, b"more"), "welcomed", "welcome"
            ),
            p_receives(
                to_pulser(0, "stop", STOP + b"more", frame_version=0x13),
                "linked",
                "stop",
                payload=(STOP + b"more").hex(),
                is_new=True,
            ),
            p_receives(links.beckon(PAIR, 0x13, b"more"), "linked", "beckon"),
            p_receives(links.refuse(PAIR["pulser_id"], 9, 0x13, 0x13) + b"more", "linked", "refuse"),
        ],
    )
    yield (
        "another major version is refused, and its refusal is read",
        [
            p_hello(),
            p_receives(
                links.welcome(PAIR, NONCE_P, NONCE_D, LINK_ID, ENDED, 0x20), "asking", refused="version"
            ),
            p_receives(links.beckon(PAIR, 0x20), "asking", refused="version"),
            p_receives(
                links.refuse(PAIR["pulser_id"], 1, 0x20, 0x20), "asking", "refuse", refusal=1, spoken=0x20
            ),
            p_receives(WELCOME, "welcomed", "welcome"),
            p_receives(to_pulser(0, "stop", STOP, frame_version=0x20), "welcomed", refused="version"),
            d_hears(links.hello(PAIR, NONCE_P, BOOT_ID, FIRMWARE, 0x20), refused="version"),
        ],
    )


def _handshakes():
    yield (
        "a replayed welcome changes nothing",
        [
            *MEET[:3],
            p_receives(WELCOME, "welcomed", refused="state"),
            *MEET[3:],
            p_receives(WELCOME, "linked", refused="state"),
            p_receives(to_pulser(1, "stop", STOP), "linked", "stop", payload=STOP.hex()),
            p_hello(NONCE_P2, HELLO2),
            p_receives(WELCOME, "asking again", refused="nonce"),
            p_receives(WELCOME2, "welcomed again", "welcome"),
            p_receives(WELCOME2, "welcomed again", refused="state"),
            p_lost(),
            p_receives(WELCOME2, "idle", refused="state"),
            p_receives(WELCOME, "idle", refused="nonce"),
        ],
    )
    yield (
        "a replayed hello gets a welcome that leads nowhere, and the live link goes on",
        [
            *MEET,
            d_welcomes(
                HELLO,
                NONCE_D2,
                LINK_ID2,
                ENDED,
                links.welcome(PAIR, NONCE_P, NONCE_D2, LINK_ID2, ENDED),
                "bait",
            ),
            p_receives(links.welcome(PAIR, NONCE_P, NONCE_D2, LINK_ID2, ENDED), "linked", refused="state"),
            d_opens(to_daemon(1, "report", REPORT), link="bait", refused="link", proved=False),
            d_opens(to_daemon(1, "report", REPORT), payload=REPORT.hex(), proved=True),
            d_seals("stop", STOP, to_pulser(1, "stop", STOP)),
            p_receives(to_pulser(1, "stop", STOP), "linked", "stop", payload=STOP.hex(), is_new=False),
        ],
    )
    yield (
        "the old link goes on until the new one is proved, and is then over",
        [
            *MEET,
            *MEET_AGAIN,
            p_receives(
                to_pulser(1, "lease", LEASE), "welcomed again", "lease", payload=LEASE.hex(), is_new=False
            ),
            p_seals(
                "pending", "report", REPORT, to_daemon(0, "report", REPORT, keys=KEYS2, link_id=LINK_ID2)
            ),
            d_opens(
                to_daemon(0, "report", REPORT, keys=KEYS2, link_id=LINK_ID2),
                link="second",
                payload=REPORT.hex(),
                proved=True,
            ),
            p_receives(
                to_pulser(0, "lease", LEASE, keys=KEYS2, link_id=LINK_ID2),
                "linked",
                "lease",
                payload=LEASE.hex(),
                is_new=True,
                ended_set=ENDED + 1,
            ),
            p_receives(to_pulser(2, "lease", LEASE), "linked", refused="link"),
        ],
    )
    forged = to_pulser(0, "lease", LEASE, keys=KEYS, link_id=LINK_ID2)
    yield (
        "a forged first frame does not prove a new link",
        [
            *MEET,
            *MEET_AGAIN,
            p_receives(forged, "welcomed again", refused="tag"),
            p_receives(to_pulser(1, "lease", LEASE), "welcomed again", "lease", payload=LEASE.hex()),
        ],
    )
    yield (
        "asked again before the welcome came: only the newest question is answered",
        [
            p_hello(),
            p_hello(NONCE_P2, HELLO2),
            p_receives(WELCOME, "asking", refused="nonce"),
            p_receives(WELCOME2, "welcomed", "welcome"),
            p_receives(to_pulser(0, "lease", LEASE), "welcomed", refused="link"),
        ],
    )
    yield (
        "a new question gives up a link that was welcomed and not proved",
        [
            *MEET[:3],
            p_hello(NONCE_P2, HELLO2),
            p_receives(to_pulser(0, "lease", LEASE), "asking", refused="link"),
        ],
    )
    yield (
        "a lost link opens nothing",
        [*MEET, p_lost(), p_receives(to_pulser(1, "lease", LEASE), "idle", refused="link"), p_lost()],
    )
    yield (
        "nothing is known before a handshake",
        [
            p_receives(WELCOME, "idle", refused="nonce"),
            p_receives(to_pulser(0, "lease", LEASE), "idle", refused="link"),
            p_receives(links.beckon(PAIR), "idle", "beckon"),
            p_lost(),
        ],
    )


def _strangers():
    yield (
        "a wrong key",
        [
            p_hello(),
            p_receives(links.welcome(STRANGER, NONCE_P, NONCE_D, LINK_ID, ENDED), "asking", refused="tag"),
            p_receives(links.beckon(STRANGER), "asking", refused="tag"),
            d_hears(
                links.hello(STRANGER, NONCE_P, BOOT_ID, FIRMWARE),
                pulser_id=PAIR["pulser_id"].hex(),
                nonce=NONCE_P.hex(),
                is_from=False,
            ),
            d_hears(_flip(HELLO, 20), pulser_id=PAIR["pulser_id"].hex(), is_from=False),
        ],
    )
    other = dict(PAIR, daemon_id=bytes(8))
    elsewhere = dict(PAIR, pulser_id=bytes(8))
    yield (
        "meant for somebody else",
        [
            p_hello(),
            p_receives(links.beckon(other), "asking", refused="id"),
            p_receives(links.beckon(elsewhere), "asking", refused="id"),
            p_receives(links.welcome(elsewhere, NONCE_P, NONCE_D, LINK_ID, 0), "asking", refused="nonce"),
            p_receives(links.refuse(bytes(8), 2, 0x11), "asking", refused="id"),
            p_receives(links.refuse(PAIR["pulser_id"], 3, 0x11), "asking", "refuse", refusal=3, spoken=0x11),
        ],
    )
    yield (
        "lengths of handshake frames",
        [
            p_hello(),
            p_receives(WELCOME[:-1], "asking", refused="length"),
            p_receives(WELCOME + b"\0", "asking", refused="length"),
            p_receives(WELCOME[:4], "asking", refused="length"),
            p_receives(links.beckon(PAIR)[:-1], "asking", refused="length"),
            p_receives(links.beckon(PAIR) + b"\0", "asking", refused="length"),
            p_receives(links.refuse(PAIR["pulser_id"], 1, 0x11)[:-1], "asking", refused="length"),
            d_hears(HELLO[:-1], refused="length"),
            d_hears(HELLO + b"\0", refused="length"),
            d_hears(links.hello(PAIR, NONCE_P, BOOT_ID, FIRMWARE, 0x11)[:-1], refused="length"),
        ],
    )
    yield (
        "frames that the other end only may receive",
        [
            p_hello(),
            p_receives(HELLO, "asking", refused="kind"),
            d_hears(WELCOME, refused="kind"),
            d_hears(links.beckon(PAIR), refused="kind"),
        ],
    )
    low = links.welcome(PAIR, NONCE_P, NONCE_D, LINK_ID, 2**30 - 1)
    high = links.welcome(PAIR, NONCE_P, NONCE_D, LINK_ID, 2**30)
    yield (
        "a welcome's ended set has 30 bits",
        [
            p_hello(),
            p_receives(high, "asking", refused="field"),
            p_receives(low, "welcomed", "welcome"),
            p_receives(to_pulser(0, "stop", STOP), "linked", "stop", payload=STOP.hex(), ended_set=2**30 - 1),
        ],
    )
    beckon = links.beckon(PAIR)
    yield ("a beckon", [{"daemon": "beckon", "sends": beckon.hex()}, p_receives(beckon, "idle", "beckon")])
    old = links.hello(PAIR, NONCE_P, BOOT_ID, FIRMWARE, 0x20)
    yield (
        "refusals",
        [
            {
                "daemon": "refuse",
                "reason": reason,
                "sends": links.refuse(PAIR["pulser_id"], reason, 0x11).hex(),
            }
            for reason in (1, 2, 3)
        ]
        + [
            {"daemon": "asker", "datagram": old.hex(), "pulser_id": PAIR["pulser_id"].hex()},
            {"daemon": "asker", "datagram": old[:14].hex(), "pulser_id": PAIR["pulser_id"].hex()},
            # Shorter than the answer, of our own major, not a hello, too long, not ours.
            {"daemon": "asker", "datagram": old[:13].hex(), "pulser_id": None},
            {"daemon": "asker", "datagram": HELLO.hex(), "pulser_id": None},
            {"daemon": "asker", "datagram": links.beckon(PAIR, 0x20).hex(), "pulser_id": None},
            {"daemon": "asker", "datagram": (old + bytes(256)).hex(), "pulser_id": None},
            {"daemon": "asker", "datagram": _flip(old, 0).hex(), "pulser_id": None},
        ],
    )


def cases():
    """All of them; each begins with a pulser and a daemon that are paired and have no link."""
    return [
        {
            "name": name,
            "pulser_id": PAIR["pulser_id"].hex(),
            "daemon_id": PAIR["daemon_id"].hex(),
            "pairing_key": PAIR["key"].hex(),
            "boot_id": BOOT_ID.hex(),
            "firmware": list(FIRMWARE),
            "steps": steps,
        }
        for part in (_links(), _handshakes(), _strangers())
        for name, steps in part
    ]
