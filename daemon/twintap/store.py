"""The data folder: who is paired, which tokens were given out, this daemon's own identity.

Everything in it is readable by its owner alone. A file is replaced whole (written beside, synced, renamed),
so a power cut leaves the old one or the new one. All methods block on the disk and are safe to call from
threads; an event loop calls them by `asyncio.to_thread`.
"""

import contextlib
import os
import secrets
import stat
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .clinic import Presets, PresetsFile, Settings, SettingsFile
from .errors import Fault, Refused, StoreError
from .folder import read_admin_token
from .paired import Pairing
from .tokens import Role, Token, digest_of, make_token

_SCHEMA = 1
_TOKENS_MAX = 1_000
_PAIRINGS_MAX = 2_000
_ROOMS_MAX = 200

# Told apart by most eyes, also by those that see no red or no green; given to rooms in this order.
_PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#ffffff")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


_Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,32}$")]


class _DaemonFile(_Strict):
    schema_version: Literal[1]
    daemon_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _PairingRecord(_Strict):
    pulser_id: _Hex
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", repr=False)]
    room: Annotated[str, Field(min_length=1, max_length=40)]
    side: Literal["left", "right"]
    name: Annotated[str, Field(max_length=40)]
    ceiling_pct: Annotated[float, Field(ge=1, le=100)]
    last_host: str | None = None
    last_port: Annotated[int, Field(ge=1, le=65535)] | None = None


class _PairingsFile(_Strict):
    schema_version: Literal[1]
    pairings: Annotated[list[_PairingRecord], Field(max_length=_PAIRINGS_MAX)]


class _RoomsFile(_Strict):
    schema_version: Literal[1]
    colours: dict[str, Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]]
    made: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(default_factory=list[str])


class _TokenRecord(_Strict):
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    label: Annotated[str, Field(min_length=1, max_length=40)]
    role: Role
    rooms: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    notes: bool = False
    slide_s: Annotated[int, Field(ge=60)] | None = None


class _TokensFile(_Strict):
    schema_version: Literal[1]
    tokens: list[_TokenRecord]


_FileT = TypeVar("_FileT", bound=BaseModel)


class Store:
    """An open data folder. One process at a time; `close` lets the next one in."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        """Read everything; use `Store.open`."""
        self.path = path
        self._lock_fd = lock_fd
        self._mutex = threading.RLock()
        self._daemon_id = self._read_daemon_id()
        self._pairings = self._read_pairings()
        self._tokens = self._read_tokens()
        rooms = self._read("rooms.json", _RoomsFile)
        self._colours: dict[str, str] = {} if rooms is None else dict(rooms.colours)
        self._made: list[str] = [] if rooms is None else list(rooms.made)
        presets = self._read("presets.json", PresetsFile)
        self._presets = Presets() if presets is None else Presets(presets=presets.presets)
        settings = self._read("settings.json", SettingsFile)
        self._settings = Settings() if settings is None else settings.settings

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open the data folder, made if absent; StoreError if others can read it or another daemon has it."""
        path = path.absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = path.stat().st_mode
        except OSError as error:
            raise StoreError(
                f"the data folder {path} cannot be made ({error.strerror}); choose another with --data"
            ) from error
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise StoreError(f"others on this computer can reach the data folder; run: chmod 700 '{path}'")
        lock_fd = _lock(path / "lock")
        try:
            store = cls(path, lock_fd)
            store._ensure_admin_token()
        except BaseException:
            os.close(lock_fd)
            raise
        return store

    def close(self) -> None:
        """Let another daemon use the folder."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    # -- identity --------------------------------------------------------------------------------------------

    @property
    def daemon_id(self) -> bytes:
        """Eight bytes, made once with the folder."""
        return self._daemon_id

    # -- pairings --------------------------------------------------------------------------------------------

    def pairings(self) -> list[Pairing]:
        """Give every pairing, in the order in which they were made."""
        with self._mutex:
            return list(self._pairings.values())

    def put_pairing(self, pairing: Pairing) -> None:
        """Keep a pairing, in place of one of the same pulser. StoreError if it cannot be written."""
        self.put_pairings([pairing])

    def put_pairings(self, pairings: Iterable[Pairing]) -> None:
        """Keep them all, each in place of one of the same pulser, in one write: all of them or none.

        StoreError if they cannot be written.
        """
        with self._mutex:
            changed = self._pairings | {pairing.pulser_id: pairing for pairing in pairings}
            if len(changed) > _PAIRINGS_MAX:
                raise StoreError(
                    f"{_PAIRINGS_MAX} pulsers are paired already; unpair one that is no longer used"
                )
            self._write_pairings(changed)
            self._pairings = changed

    def put_address(self, pulser_id: bytes, host: str, port: int) -> None:
        """Keep where a pulser was last heard, and nothing else of it; one that is not paired is no error."""
        with self._mutex:
            held = self._pairings.get(pulser_id)
            if held is not None:
                self.put_pairing(replace(held, last_host=host, last_port=port))

    def remove_pairing(self, pulser_id: bytes) -> None:
        """Forget a pairing; one that is not there is no error."""
        with self._mutex:
            if pulser_id in self._pairings:
                changed = {key: value for key, value in self._pairings.items() if key != pulser_id}
                self._write_pairings(changed)
                self._pairings = changed

    def replace_pairing(self, old_id: bytes, pairing: Pairing) -> None:
        """Keep a pairing and forget another pulser's, in one write: both or neither. StoreError."""
        with self._mutex:
            changed = {key: value for key, value in self._pairings.items() if key != old_id}
            changed[pairing.pulser_id] = pairing
            self._write_pairings(changed)
            self._pairings = changed

    def room_colour(self, name: str) -> str:
        """Give a room's colour as `#rrggbb`: chosen at its first use, the least used so far, and kept."""
        with self._mutex:
            known = self._colours.get(name)
            if known is None:
                used = list(self._colours.values())
                known = min(_PALETTE, key=used.count)
                self._write_rooms(self._colours | {name: known}, self._made)
            return known

    def made_rooms(self) -> list[str]:
        """Name the rooms that a person made: they are there without any pulser too."""
        with self._mutex:
            return list(self._made)

    def make_room(self, name: str, colour: str | None) -> None:
        """Keep a room by itself; `colour` as `#rrggbb`, None: as `room_colour` chooses. StoreError."""
        with self._mutex:
            if len(self._made) >= _ROOMS_MAX:
                raise Refused(Fault("full", f"{_ROOMS_MAX} rooms were made; that has to do"))
            chosen = colour if colour is not None else self.room_colour(name)
            made = self._made if name in self._made else [*self._made, name]
            self._write_rooms(self._colours | {name: chosen}, made)

    def put_colour(self, name: str, colour: str) -> None:
        """Give a room another colour, `#rrggbb`. StoreError if it cannot be written."""
        with self._mutex:
            self._write_rooms(self._colours | {name: colour}, self._made)

    # -- the clinic's own ways -------------------------------------------------------------------------------

    def presets(self) -> Presets:
        """Give the named pacings; at first, some conventions that every therapist changes."""
        with self._mutex:
            return self._presets

    def put_presets(self, presets: Presets) -> None:
        """Keep these in place of all before. StoreError if they cannot be written."""
        with self._mutex:
            self._write("presets.json", PresetsFile(schema_version=_SCHEMA, presets=presets.presets))
            self._presets = presets

    def settings(self) -> Settings:
        """Give the clinic's settings."""
        with self._mutex:
            return self._settings

    def put_settings(self, settings: Settings) -> None:
        """Keep these in place of those before. StoreError if they cannot be written."""
        with self._mutex:
            self._write("settings.json", SettingsFile(schema_version=_SCHEMA, settings=settings))
            self._settings = settings

    # -- tokens ----------------------------------------------------------------------------------------------

    def tokens(self) -> list[Token]:
        """Give the record of every token given out, the ended ones of the last 30 days too."""
        with self._mutex:
            return list(self._tokens.values())

    def find_token(self, digest: str) -> Token | None:
        """Give the record of the token with this digest, whether valid or ended; no disk is touched."""
        return self._tokens.get(digest)

    def put_token(self, token: Token) -> None:
        """Keep a token's record; StoreError if it cannot be written."""
        with self._mutex:
            now = datetime.now(UTC)
            changed = {
                digest: old
                for digest, old in self._tokens.items()
                if old.ended_at is None or now < old.ended_at + old.kept_after_end
            } | {token.digest: token}
            if len(changed) > _TOKENS_MAX:
                raise Refused(Fault("full", f"{_TOKENS_MAX} tokens are given out; revoke some first"))
            self._write_tokens(changed)
            self._tokens = changed

    def renew_token(self, digest: str, expires_at: datetime) -> None:
        """Let a token live until `expires_at`; one that was revoked, or is gone, does not."""
        with self._mutex:
            token = self._tokens.get(digest)
            if token is not None and token.revoked_at is None:
                self.put_token(replace(token, expires_at=expires_at))

    def revoke_token(self, token_id: str) -> Token:
        """End a token by its id; `Refused("unknown")` if there is none.

        The one in the file `token` cannot be ended; a browser's that was given an admin's rights can.
        """
        with self._mutex:
            for token in self._tokens.values():
                if token.id == token_id and (token.role != "admin" or token.is_cookie):
                    if token.revoked_at is None:
                        token = replace(token, revoked_at=datetime.now(UTC))
                        self.put_token(token)
                    return token
        raise Refused(Fault("unknown", "there is no such token", field="token"))

    def _ensure_admin_token(self) -> None:
        """Have a valid token in the file `token`, which the command line reads."""
        text = read_admin_token(self.path)
        known = None if text is None else self._tokens.get(digest_of(text))
        if known is not None and known.role == "admin" and known.valid_at(datetime.now(UTC)):
            refuse_if_open(self.path / "token")
            return
        text, token = make_token("this computer", "admin")
        # An admin's token without its file is nobody's: only the newest remains.
        self._tokens = {digest: old for digest, old in self._tokens.items() if old.role != "admin"}
        self.put_token(token)
        replace_file(self.path / "token", text.encode("ascii") + b"\n")

    # -- files -----------------------------------------------------------------------------------------------

    def _read_daemon_id(self) -> bytes:
        known = self._read("daemon.json", _DaemonFile)
        if known is not None:
            return bytes.fromhex(known.daemon_id)
        made = secrets.token_bytes(8)
        self._write("daemon.json", _DaemonFile(schema_version=_SCHEMA, daemon_id=made.hex()))
        return made

    def _read_pairings(self) -> dict[bytes, Pairing]:
        known = self._read("pairings.json", _PairingsFile)
        if known is None:
            return {}
        return {
            bytes.fromhex(record.pulser_id): Pairing(
                pulser_id=bytes.fromhex(record.pulser_id),
                key=bytes.fromhex(record.key),
                room=record.room,
                side=record.side,
                name=record.name,
                ceiling_pct=record.ceiling_pct,
                last_host=record.last_host,
                last_port=record.last_port,
            )
            for record in known.pairings
        }

    def _write_pairings(self, pairings: dict[bytes, Pairing]) -> None:
        records = [
            _PairingRecord(
                pulser_id=pairing.pulser_id.hex(),
                key=pairing.key.hex(),
                room=pairing.room,
                side=pairing.side,
                name=pairing.name,
                ceiling_pct=float(pairing.ceiling_pct),
                last_host=pairing.last_host,
                last_port=pairing.last_port,
            )
            for pairing in pairings.values()
        ]
        self._write("pairings.json", _PairingsFile(schema_version=_SCHEMA, pairings=records))

    def _read_tokens(self) -> dict[str, Token]:
        known = self._read("tokens.json", _TokensFile)
        if known is None:
            return {}
        return {
            record.digest: Token(
                digest=record.digest,
                label=record.label,
                role=record.role,
                rooms=None if record.rooms is None else tuple(record.rooms),
                created_at=record.created_at,
                expires_at=record.expires_at,
                revoked_at=record.revoked_at,
                notes=record.notes,
                slide_s=record.slide_s,
            )
            for record in known.tokens
        }

    def _write_tokens(self, tokens: dict[str, Token]) -> None:
        records = [
            _TokenRecord(
                digest=token.digest,
                label=token.label,
                role=token.role,
                rooms=None if token.rooms is None else list(token.rooms),
                created_at=token.created_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
                notes=token.notes,
                slide_s=token.slide_s,
            )
            for token in tokens.values()
        ]
        self._write("tokens.json", _TokensFile(schema_version=_SCHEMA, tokens=records))

    def _write_rooms(self, colours: dict[str, str], made: list[str]) -> None:
        self._write("rooms.json", _RoomsFile(schema_version=_SCHEMA, colours=colours, made=made))
        self._colours, self._made = colours, made

    def _read(self, name: str, model: type[_FileT]) -> _FileT | None:
        path = self.path / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read ({error.strerror})") from error
        refuse_if_open(path)
        try:
            return model.model_validate_json(data)
        except ValidationError as error:
            # Only where, never what: the file holds keys.
            where = ".".join(
                str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"]
            )
            raise StoreError(
                f"{path} is damaged or of a newer twintap (at {where or 'its beginning'}); "
                "restore it from a copy, or move it away and pair again"
            ) from None

    def _write(self, name: str, content: BaseModel) -> None:
        replace_file(self.path / name, content.model_dump_json(indent=1).encode() + b"\n")


def is_open(path: Path) -> bool:
    """Whether others on this computer can reach a file or folder, as far as its mode says. Blocks."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def refuse_if_open(path: Path) -> None:
    """Raise `StoreError`, with the command that mends it, if others can reach a file with keys. Blocks."""
    if is_open(path):
        raise StoreError(f"others on this computer can read a file with keys; run: chmod 600 '{path}'")


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in place of a file, readable by its owner alone; the old or the new is there, never half.

    On the disk when this returns. Blocks. Raises `StoreError`; then the old file is there still.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}); free some space or mend its rights"
        ) from error


def _lock(path: Path) -> int:
    """Hold the folder's lock as long as the descriptor given is open."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened ({error.strerror})") from error
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise StoreError(
            f"another twintap daemon uses the data folder {path.parent}; "
            "stop it, or choose another with --data"
        ) from None
    return fd
