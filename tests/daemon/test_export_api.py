"""A session leaves by HTTP or by the command line, and comes back into another journal whole."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.api_rig import Api, api
from twintap.cli import main
from twintap.journal.entry import Draft, Entry
from twintap.journal.ids import new_id
from twintap.journal.journal import Journal
from twintap.store import Store


@dataclass
class Visit:
    served: Api
    session: str

    async def export(self, form: str, headers: dict[str, str] | None = None) -> Any:
        return await self.served.http.get(f"/sessions/{self.session}/export?format={form}", headers=headers)


async def visit_in(served: Api, room: str = "room-1", code: str = "K-17", sud: int = 7) -> str:
    """A visit, kept as the desk would: straight into the journal, which waits for the slowest of disks."""
    session = new_id()
    said: tuple[tuple[str, dict[str, object]], ...] = (
        ("session.opened", {"code": code, "kind": "emdr", "zone": "Europe/Berlin", "hands": []}),
        ("phase.begun", {"phase": "assessment"}),
        ("rating.sud", {"value": sud}),
        ("note.added", {"text": "=1+1, “a <b>note</b>”"}),
        ("plan.written", {"text": "begin with the calm place"}),
        ("session.closed", {"reason": "asked"}),
    )
    for kind, data in said:
        now = datetime.now(UTC)
        await served.journal.append(Draft(kind, data, room, session, "ann", now, now, 1_000_000))
    return session


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncGenerator[Visit]:
    async with api(tmp_path, "room-1", "room-2") as served:
        yield Visit(served, await visit_in(served))


@pytest.mark.parametrize(
    ("form", "kind", "shown"),
    [
        ("jsonl", "application/jsonl", "attachment"),
        ("csv", "text/csv; charset=utf-8; header=present", "attachment"),
        ("bids", "application/zip", "attachment"),
        ("html", "text/html; charset=utf-8", "inline"),
    ],
)
async def test_a_file_says_what_it_is_and_not_whose(visit: Visit, form: str, kind: str, shown: str) -> None:
    answer = await visit.export(form)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Disposition"].startswith(
        f'{shown}; filename="twintap-{visit.session[:13]}'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert "K-17" not in str(answer.headers) + str(answer.request.url)
    whole = answer.content
    if form == "bids":
        with zipfile.ZipFile(io.BytesIO(whole)) as files:
            whole = b"".join(files.read(name) for name in files.namelist())
    entries = await visit.served.journal.entries(visit.session)
    assert entries[-1].hash.encode() in whole


async def test_the_report_may_be_framed_by_our_own_pages_alone(visit: Visit) -> None:
    policy = (await visit.export("html")).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy


async def test_who_may_not_read_a_session_gets_no_file_of_it(visit: Visit) -> None:
    give = visit.served.give
    for headers, status in (
        (give("logger"), 200),
        (give("therapist", "room-1"), 200),
        (give("therapist", "room-2"), 403),
        (give("logger", "room-2"), 403),
        (give("observer", "room-1"), 403),
        (give("display", "room-1"), 403),
        ({"Authorization": "Bearer wrong"}, 401),
    ):
        for form in ("jsonl", "html"):
            assert (await visit.export(form, headers)).status_code == status, headers


async def test_what_is_not_there_is_refused_by_name(visit: Visit) -> None:
    http = visit.served.http
    nowhere = f"/sessions/{'0' * 8}-0000-7000-8000-{'0' * 12}/export?format=csv"
    answer = await http.get(nowhere)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown")
    for query in ("", "?format=pdf"):
        answer = await http.get(f"/sessions/{visit.session}/export{query}")
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "format")


async def test_of_an_erased_session_the_hashes_leave_and_no_data_set(visit: Visit) -> None:
    before = [entry.hash for entry in await visit.served.journal.entries(visit.session)]
    await visit.served.journal.erase("K-17", actor="ann")
    lines = [json.loads(line) for line in (await visit.export("jsonl")).text.splitlines()]
    assert [line["hash"] for line in lines] == before
    assert {line["type"] for line in lines} == {"twintap.erased"}
    assert before[-1] in (await visit.export("html")).text
    assert (await visit.export("csv")).status_code == 200
    refused = await visit.export("bids")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "erased")


async def test_a_clients_course_is_a_point_for_each_visit_the_oldest_first(visit: Visit) -> None:
    served = visit.served
    second = await visit_in(served, room="room-2", sud=3)
    await visit_in(served, code="someone-else")
    points = (await served.http.post("/clients/course", json={"code": "k 17"})).json()
    assert [(point["id"], point["last_sud"]) for point in points] == [(visit.session, 7), (second, 3)]
    assert points[0]["opened_at"].endswith(("+01:00", "+02:00"))
    own = served.give("therapist", "room-2")
    points = (await served.http.post("/clients/course", json={"code": "K-17"}, headers=own)).json()
    assert [point["id"] for point in points] == [second]
    assert (await served.http.post("/clients/course", json={"code": "new"})).json() == []
    observer = served.give("observer", "room-2")
    answer = await served.http.post("/clients/course", json={"code": "K-17"}, headers=observer)
    assert answer.status_code == 403


# -- the command line --------------------------------------------------------------------------------------


async def run(*arguments: str) -> int:
    """Run a command in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(main, list(arguments))


@pytest.fixture
async def reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Visit]:
    async with api(tmp_path, "room-1", listening=True) as served:
        monkeypatch.setenv("TWINTAP_URL", f"http://127.0.0.1:{served.port}")
        monkeypatch.setenv("TWINTAP_TOKEN", served.admin)
        yield Visit(served, await visit_in(served))


async def entries_of(folder: Path, session: str) -> tuple[list[Entry], str]:
    store = await asyncio.to_thread(Store.open, folder)
    try:
        journal = await asyncio.to_thread(Journal.open, store.path, daemon_id=store.daemon_id)
        try:
            verdict = await journal.verify()
            states = " ".join(sorted({chain.state for chain in verdict.chains}))
            return await journal.entries(session), states
        finally:
            await journal.close()
    finally:
        await asyncio.to_thread(store.close)


async def test_an_export_imports_into_an_empty_journal_and_verifies(
    reached: Visit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "visit.jsonl", tmp_path / "other"
    file.touch(0o644)
    assert await run("export", reached.session, "--format", "jsonl", "--out", str(file)) == 0
    assert file.stat().st_mode & 0o077 == 0, "there is a client in it"
    assert await run("import", str(file), "--data", str(folder)) == 0
    was = await reached.served.journal.entries(reached.session)
    assert was[-1].hash in capsys.readouterr().out
    assert await entries_of(folder, reached.session) == (was, "intact")
    # A second time it is there already, and nothing is changed.
    assert await run("import", str(file), "--data", str(folder)) == 1
    assert "already" in capsys.readouterr().err
    assert await entries_of(folder, reached.session) == (was, "intact")


async def test_an_edited_export_is_not_taken_in(
    reached: Visit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (await reached.export("jsonl")).text
    file, folder = tmp_path / "edited.jsonl", tmp_path / "other"
    file.write_text(text.replace('"value":7', '"value":2'), "utf-8")
    assert await run("import", str(file), "--data", str(folder)) == 1
    assert "broken at event" in capsys.readouterr().err
    lines = text.splitlines(keepends=True)
    file.write_text("".join([*lines[:2], "nonsense\n", *lines[2:]]), "utf-8")
    assert await run("import", str(file), "--data", str(folder)) == 1
    assert "line 3: it is not JSON" in capsys.readouterr().err


async def test_a_journal_that_a_daemon_holds_takes_no_import(
    reached: Visit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "visit.jsonl"
    file.write_bytes((await reached.export("jsonl")).content)
    assert await run("import", str(file), "--data", str(reached.served.store.path)) == 1
    assert str(reached.served.store.path) in capsys.readouterr().err


async def test_a_data_set_is_laid_out_beside_what_is_there(reached: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    assert await run("export", reached.session, "--format", "bids", "--out", str(folder)) == 0
    (folder / "README").write_text("ours", "utf-8")
    second = await visit_in(reached.served, code="B2")
    assert await run("export", second, "--format", "bids", "--out", str(folder)) == 0
    assert (folder / "README").read_text("utf-8") == "ours"
    assert len(list(folder.glob("sub-*/ses-*/beh/*_events.tsv"))) == 2
    assert len(list(folder.glob("sub-*/ses-*/beh/*_events.json"))) == 2


async def test_a_command_that_cannot_write_or_find_says_so(
    reached: Visit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("export", reached.session, "--out", str(tmp_path / "no" / "such.html")) == 1
    assert "cannot write" in capsys.readouterr().err
    assert await run("export", f"{'0' * 8}-0000-7000-8000-{'0' * 12}") == 1
    assert "no such session" in capsys.readouterr().err
    assert await run("import", str(tmp_path / "nothing.jsonl"), "--data", str(tmp_path / "other")) == 1
    assert "cannot read" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["export", "K-17"])
    assert ended.value.code == 2
