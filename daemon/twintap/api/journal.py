"""The journal as a whole, by HTTP: whether it is intact, and a client erased from it for good."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from ..core.codes import normalised
from ..errors import Fault, Refused
from .context import Ctx
from .faults import answers
from .routes import Administrator
from .sessions import CodeBody

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

_Head = Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")]


class ChainProof(BaseModel):
    """One chain. `erased`: intact, and some of it was erased; `broken`: at event `at_seq`, as `how` says."""

    chain: str
    state: Literal["intact", "erased", "broken"]
    events: int
    head: str
    at_seq: int | None
    how: str | None


class Proof(BaseModel):
    """Every chain of the journal. `ok`: none is broken, and every head that was asked for is there.

    `file_fault`: what is wrong with the file beneath the chains; null: nothing.
    """

    ok: bool
    file_fault: str | None
    chains: list[ChainProof]
    missing_heads: list[str]


class Erased(BaseModel):
    """What was erased. `head`: the hash of the tombstone; `mentions`: sessions of others that name the code.

    `copies`: so many backups of the daemon's own went with it. Those that persons made hold what they held.
    """

    sessions: int
    events: int
    mentions: list[str]
    head: str
    copies: int


@router.get("/journal/verify", responses=answers(507))
async def verify(
    context: Ctx,
    _: Administrator,
    head: Annotated[
        list[_Head] | None,
        Query(max_length=100, description="hashes printed on reports, which have to be in it"),
    ] = None,
) -> Proof:
    """Prove every chain of the journal, and that the heads printed on reports are in it."""
    verdict = await context.journal.verify(head or ())
    return Proof(
        ok=verdict.is_intact,
        file_fault=verdict.file_fault,
        chains=[
            ChainProof(
                chain=one.chain,
                state=one.state,
                events=one.events,
                head=one.head,
                at_seq=one.at_seq,
                how=one.how,
            )
            for one in verdict.chains
        ],
        missing_heads=list(verdict.missing_heads),
    )


@router.post("/clients/erase", responses=answers(404, 409, 507))
async def erase_client(context: Ctx, eraser: Administrator, body: CodeBody) -> Erased:
    """Erase all that is kept of a client, for good.

    409 `running` while a session of theirs is open, or a set runs anywhere: the file is written anew.
    """
    if context.hub.any_set_on():
        text = "a set is running, and erasing writes the whole journal anew: erase when it is over"
        raise Refused(Fault("running", text))
    erased = await context.journal.erase(normalised(body.code), actor=eraser.label)
    return Erased(
        sessions=erased.sessions,
        events=erased.events,
        mentions=list(erased.mentions),
        head=erased.head,
        copies=erased.copies,
    )
