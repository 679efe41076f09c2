"""Handler for the kind `link`: handshakes and sealed frames, step by step at either end."""

from case_kit import expect, expect_refused, make_ccm, unhex

from twintap_protocol import link
from twintap_protocol.frames import read_kind


class _Play:
    """A pulser and a daemon, paired, without a link; `step` does one thing and looks at what came of it."""

    def __init__(self, case):
        self.pulser_id = unhex(case["pulser_id"])
        self.daemon_id = unhex(case["daemon_id"])
        self.key = unhex(case["pairing_key"])
        self.pulser = link.PulserLink(
            self.pulser_id,
            self.daemon_id,
            self.key,
            make_ccm,
            unhex(case["boot_id"]),
            tuple(case["firmware"]),
        )
        self.daemon_links = {}

    def step(self, step):
        if "pulser" in step:
            getattr(self, "pulser_" + step["pulser"])(step)
            if "state" in step:
                expect("state", self.pulser.state, step["state"])
        else:
            getattr(self, "daemon_" + step["daemon"])(step)

    def pulser_hello(self, step):
        expect("hello", self.pulser.hello(unhex(step["nonce"])), unhex(step["sends"]))

    def pulser_lost(self, step):
        self.pulser.lost()

    def pulser_seal(self, step):
        channel = self.pulser.pending if step["on"] == "pending" else self.pulser.channel
        self._seal(channel, step)

    def pulser_receive(self, step):
        data = unhex(step["datagram"])
        buf = bytearray(data + bytes(8))
        pulser = self.pulser
        if "refused" in step:
            before = (pulser.state, pulser.channel, pulser.pending, pulser.ended_set)
            expect_refused("receive", step["refused"], pulser.receive, buf, len(data))
            after = (pulser.state, pulser.channel, pulser.pending, pulser.ended_set)
            expect("what a refusal leaves", after, before)
            expect("is new", pulser.is_new, False)
            return
        kind, payload_len = pulser.receive(buf, len(data))
        expect("kind", kind, step["kind"])
        if "payload" in step:
            expect("payload", bytes(buf[12 : 12 + payload_len]), unhex(step["payload"]))
        if "is_new" in step:
            expect("is new", pulser.is_new, step["is_new"])
        if "minor" in step:
            expect("minor of the live link", pulser.channel.minor, step["minor"])
        if "ended_set" in step:
            expect("ended set", pulser.ended_set, step["ended_set"])
        if "refusal" in step:
            expect("refusal", (buf[12], buf[13]), (step["refusal"], step["spoken"]))

    def daemon_welcome(self, step):
        data = unhex(step["hello"])
        hello = link.Hello(data, len(data))
        expect("hello is authentic", hello.is_from(self.key), True)
        sent, channel = link.welcome(
            hello, self.key, unhex(step["nonce"]), unhex(step["link_id"]), step["ended_set"], make_ccm
        )
        expect("welcome", sent, unhex(step["sends"]))
        expect("proved at birth", channel.proved, False)
        self.daemon_links[step["link"]] = channel

    def daemon_hello(self, step):
        data = unhex(step["datagram"])
        if "refused" in step:
            expect_refused("hello", step["refused"], link.Hello, data, len(data))
            return
        hello = link.Hello(data, len(data))
        expect("pulser", hello.pulser_id, unhex(step["pulser_id"]))
        expect("daemon", hello.daemon_id, self.daemon_id)
        expect("authentic", hello.is_from(self.key), step["is_from"])
        if "nonce" in step:
            expect("nonce", hello.nonce, unhex(step["nonce"]))

    def daemon_seal(self, step):
        self._seal(self.daemon_links[step["link"]], step)

    def daemon_open(self, step):
        channel = self.daemon_links[step["link"]]
        data = unhex(step["datagram"])
        buf = bytearray(data)
        read_kind(buf, len(data))
        if "refused" in step:
            proved = channel.proved
            expect_refused("open", step["refused"], channel.open, buf, len(data))
            expect("proved after refusal", channel.proved, proved)
        else:
            payload_len = channel.open(buf, len(data))
            expect("payload", bytes(buf[12 : 12 + payload_len]), unhex(step["payload"]))
            counter = int.from_bytes(data[8:12], "little")
            expect("counter", link.counter_of(data), counter)
        if "proved" in step:
            expect("proved", channel.proved, step["proved"])

    def daemon_beckon(self, step):
        expect("beckon", link.beckon(self.pulser_id, self.daemon_id, self.key), unhex(step["sends"]))

    def daemon_refuse(self, step):
        expect("refusal", link.refuse(self.pulser_id, step["reason"]), unhex(step["sends"]))

    def daemon_asker(self, step):
        data = unhex(step["datagram"])
        want = step["pulser_id"] and unhex(step["pulser_id"])
        expect("asker", link.asker_of_other_major(data, len(data)), want)

    @staticmethod
    def _seal(channel, step):
        payload = unhex(step["payload"])
        channel.tx[channel.PAYLOAD : channel.PAYLOAD + len(payload)] = payload
        length = channel.seal(step["kind"], len(payload))
        expect("sealed", bytes(channel.tx[:length]), unhex(step["sends"]))


def _link(case):
    """The two ids, the pairing key, what the pulser says of itself; steps, each at one end."""
    play = _Play(case)
    for step in case["steps"]:
        play.step(step)


HANDLERS = {"link": _link}
