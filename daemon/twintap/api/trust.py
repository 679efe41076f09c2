"""What a device needs to trust this daemon: the page that shows how, the certificate, a profile. No token."""

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..access.certificates import Certificates
from ..access.profile import mobileconfig
from .context import Context, Ctx
from .faults import answers
from .page import serve_asset

router = APIRouter(prefix="/api/v1")
files = APIRouter(include_in_schema=False)


class TrustView(BaseModel):
    """The authority of this daemon. `fingerprint`: its certificate's SHA-256 as devices show it.

    `tls` False: this daemon speaks no TLS, and there is nothing to trust; the rest is None then.
    """

    tls: bool
    name: str | None
    fingerprint: str | None


@router.get("/trust", responses=answers())
async def show_trust(context: Ctx) -> TrustView:
    """Show what there is to trust. Public: it is what every device is to compare."""
    if context.certificates is None:
        return TrustView(tls=False, name=None, fingerprint=None)
    authority = context.certificates.authority
    return TrustView(tls=True, name=authority.name, fingerprint=authority.fingerprint)


@files.api_route("/trust", methods=["GET", "HEAD"])
async def trust_page(request: Request) -> Response:
    """Give the page that shows how."""
    return await serve_asset(request, "trust.html")


@files.get("/twintap.crt")
async def certificate(context: Ctx) -> Response:
    """Give the authority's certificate in DER, which every system takes."""
    return _file(
        _certificates(context).authority.certificate_der, "application/x-x509-ca-cert", "twintap.crt"
    )


@files.get("/twintap.mobileconfig")
async def profile(context: Ctx) -> Response:
    """Give the authority's certificate as Apple's devices install it."""
    authority = _certificates(context).authority
    body = await asyncio.to_thread(
        mobileconfig, authority.certificate_der, authority.name, authority.fingerprint
    )
    return _file(body, "application/x-apple-aspen-config", "twintap.mobileconfig")


def _certificates(context: Context) -> Certificates:
    if context.certificates is None:
        raise HTTPException(404, "this daemon speaks no TLS: there is nothing to trust")
    return context.certificates


def _file(body: bytes, kind: str, name: str) -> Response:
    return Response(
        body,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
        media_type=kind,
    )
