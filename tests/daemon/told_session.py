"""A whole visit as the journal would hold it, made by hand: sets, ratings, corrections, a client's stop."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from twintap.journal.entry import Entry
from twintap.journal.ids import new_id
from twintap.journal.types import EVENT_TYPES

OPENED = datetime(2026, 3, 4, 13, 2, 11, tzinfo=UTC)
BOOT = "5d0a3c1e-8f0b-4c43-9d5e-2f9f5a1c7e11"
MONOTONIC_US = 912_345_678_901
DAEMON = bytes.fromhex("a1b2c3d4e5f60718")


def pacing(**more: object) -> dict[str, object]:
    return {
        "rate_hz": 1.0,
        "pulse_ms": 120,
        "left_pct": 40.0,
        "right_pct": 40.0,
        "ramp_ms": 400,
        "passes": 24,
        **more,
    }


class Telling:
    """Writes entries one after another; `minute` is where in the visit it is."""

    def __init__(self, session: str | None = None, room: str = "Room 2") -> None:
        self.session = session or new_id()
        self.room = room
        self.entries: list[Entry] = []
        self.minute = 0.0

    def say(
        self,
        kind: str,
        data: Mapping[str, object] | None = None,
        *,
        actor: str = "Anna",
        late_min: float = 0.0,
        after_s: float = 0.0,
    ) -> Entry:
        """Add an entry; `late_min`: it was typed so long after it was said."""
        EVENT_TYPES[kind].model_validate(data or {})
        past = timedelta(minutes=self.minute, seconds=after_s)
        at = OPENED + past
        prev = self.entries[-1].hash if self.entries else "0" * 64
        seq = len(self.entries) + 1
        entry = Entry(
            id=new_id(),
            chain=f"session:{self.session}",
            seq=seq,
            entered=at + timedelta(minutes=late_min),
            payload_sha256=hashlib.sha256(f"payload {seq}".encode()).hexdigest(),
            prev=prev,
            hash=hashlib.sha256(f"{prev} {seq}".encode()).hexdigest(),
            salt="5a" * 16,
            type=kind,
            data=dict(data or {}),
            room=self.room,
            session=self.session,
            actor=actor,
            at=at,
            monotonic_us=MONOTONIC_US + round(past.total_seconds() * 1e6),
            boot_id=BOOT,
        )
        self.entries.append(entry)
        return entry

    def set(
        self,
        asked: Mapping[str, object],
        done: int,
        *,
        reason: str = "finished",
        by: str = "system",
        side: str | None = None,
        changes: tuple[tuple[int, Mapping[str, object]], ...] = (),
        part: str | None = None,
        error_us: float | None = 310.0,
        skipped: int = 0,
        silent: tuple[str, ...] = (),
    ) -> str:
        """A set from its asking to its record; `changes`: after so many passes, this pacing."""
        uid = new_id()
        now = dict(asked)
        self.say("set.asked", {"set_uid": uid, "pacing": now})
        go_s = 0.12
        go_us = MONOTONIC_US + self.minute * 60e6 + go_s * 1e6
        self.say("set.started", {"set_uid": uid, "go_us": go_us}, actor="system", after_s=0.03)
        at_s, passes = go_s, 0
        for from_pass, after in changes:
            at_s += (from_pass - passes) / float(str(now["rate_hz"]))
            data = {"set_uid": uid, "pacing": after, "at_once": False, "from_pass": from_pass}
            self.say("set.changed", data, after_s=at_s - 0.4)
            self.say("set.change_taken", {"set_uid": uid}, actor="system", after_s=at_s)
            now, passes = dict(after), from_pass
        at_s += (done - passes) / float(str(now["rate_hz"]))
        end = {"set_uid": uid, "reason": reason, "by": by, "side": side}
        self.say("set.ended", end, actor=by, after_s=at_s)
        delivered = {"delivered": done, "skipped": 0, "late": 0, "latest_us": 180}
        self.say(
            "set.recorded",
            {
                **end,
                "asked": dict(asked),
                "pacing": now,
                "changes": len(changes),
                "passes_done": done,
                "duration_ms": round((at_s - go_s) * 1000),
                "left": delivered,
                "right": {**delivered, "delivered": done - skipped, "skipped": skipped},
                "left_right_error_us": error_us,
                "silent": list(silent),
                "part": part,
            },
            actor="system",
            after_s=at_s + 0.4,
        )
        self.minute += at_s / 60
        return uid


def whole_visit() -> Telling:
    """An hour of work, with everything in it that a session can hold."""
    told = Telling()
    say = told.say
    say(
        "session.opened",
        {"code": "K-17", "kind": "emdr", "zone": "Europe/Berlin", "hands": ["left", "right"]},
    )
    told.minute = 0.4
    say("phase.begun", {"phase": "preparation"})
    say("mark.set", {"mark": "consent"})
    told.minute = 1.1
    say("mark.set", {"mark": "stop_signal_agreed", "text": "raises the left hand"})
    told.minute = 3.0
    told.set(pacing(rate_hz=0.4, passes=6, left_pct=30.0, right_pct=30.0), 6)
    told.minute = 5
    say("phase.begun", {"phase": "assessment"})
    say("target.set", {"text": "the corridor, the door at its end"})
    say("note.added", {"text": "NC: I am not safe. PC: It is over, I am safe now.\nFelt in the chest."})
    told.minute = 7
    voc = say("rating.voc", {"value": 3})
    wrong = say("rating.sud", {"value": 6})
    told.minute = 7.5
    say("entry.corrected", {"entry": wrong.id, "data": {"value": 8}})
    told.minute = 9
    say("phase.begun", {"phase": "desensitisation"})
    told.set(pacing(), 24)
    told.minute += 1
    say("note.added", {"text": "“It gets darker.” Breath held."})
    told.minute += 0.5
    told.set(
        pacing(passes=30),
        30,
        changes=((8, pacing(rate_hz=1.2, passes=30)), (19, pacing(rate_hz=1.2, left_pct=35.0, passes=30))),
    )
    told.minute += 1.2
    say("rating.sud", {"value": 6}, late_min=2.5)
    told.minute += 1
    say("part.met", {"label": "the one who hides"})
    told.set(
        pacing(rate_hz=1.2, passes=None),
        17,
        reason="button",
        by="button",
        side="left",
        part="the one who hides",
    )
    say("pulser.pressed", {"side": "left", "pulser": "02aabbccddeeff00"}, actor="button")
    told.minute += 2
    say("note.added", {"text": 'Needed a pause. =HYPERLINK("http://x") <script>alert(1)</script>'})
    slip = say("rating.sud", {"value": 1})
    say("entry.undone", {"entry": slip.id}, after_s=3)
    told.minute += 1
    say("level.client", {"left_pct": 35.0, "right_pct": 45.0})
    for sud in (5, 3, 2):
        told.minute += 1.5
        told.set(pacing(rate_hz=1.2, left_pct=35.0, right_pct=45.0, passes=28), 28)
        told.minute += 0.7
        say("rating.sud", {"value": sud})
    told.minute += 1
    told.set(
        pacing(rate_hz=1.2, passes=28),
        12,
        reason="lost",
        by="system",
        side="right",
        error_us=None,
        skipped=2,
        silent=("right",),
    )
    say("pulser.lost", {"side": "right", "pulser": "02aabbccddeeff01"}, actor="system")
    told.minute += 0.8
    say("pulser.linked", {"side": "right", "pulser": "02aabbccddeeff01"}, actor="system")
    told.minute += 1.4
    told.set(pacing(rate_hz=1.2, passes=28), 28)
    say("rating.sud", {"value": 0}, after_s=20)
    told.minute += 3
    say("phase.begun", {"phase": "installation"})
    told.set(pacing(passes=14), 14)
    say("rating.voc", {"value": 5}, after_s=15)
    told.minute += 2
    told.set(pacing(passes=14), 14)
    say("rating.voc", {"value": 7}, after_s=15)
    told.minute += 2
    say("phase.begun", {"phase": "body_scan"})
    told.minute += 3
    say("lead.taken", {"label": "Dr. Okoye"}, actor="Dr. Okoye")
    say(
        "mark.set",
        {"mark": "vitals", "systolic_mmhg": 124, "diastolic_mmhg": 79, "pulse_bpm": 68, "spo2_pct": 98},
        actor="Dr. Okoye",
    )
    told.minute += 2
    say("phase.begun", {"phase": "closure"})
    told.set(pacing(rate_hz=0.4, passes=8, left_pct=30.0, right_pct=30.0), 8, reason="stop", by="Anna")
    told.minute += 4
    say("target.set", {"text": "the corridor, the door at its end", "done": True})
    say("target.set", {"text": "the voice on the stairs"})
    say("plan.written", {"text": "Begin with the calm place.\nThen the voice on the stairs."})
    say("session.moved", {"code": "K-71"})
    told.minute += 1
    say("session.closed", {"reason": "asked"})
    assert voc.type == "rating.voc"
    return told
