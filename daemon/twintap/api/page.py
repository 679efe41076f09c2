"""The one page a browser finds: what runs here, and how to tap."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from .context import Ctx

router = APIRouter(include_in_schema=False)

# Static on purpose: it shows no room and takes no command, so it needs no token.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>twintap</title>
<style>
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
body { max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
pre { padding: 1rem; border: 1px solid; border-radius: .5rem; overflow-x: auto; }
</style>
</head>
<body>
<main>
<h1>twintap runs here</h1>
<p>Two pulsers, one in each hand, tap left, right, left, right. This daemon finds them and keeps them in step.
Rooms are commanded from a terminal on this computer, or by any program that holds a token:</p>
<pre>twintap pulsers
twintap set start ROOM --rate-hz 1
twintap watch ROOM
twintap set stop ROOM</pre>
<p>The interface for programs is described at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</main>
</body>
</html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@router.get("/", response_class=HTMLResponse)
async def front_page(_: Ctx) -> HTMLResponse:
    """Say what runs here."""
    return HTMLResponse(_PAGE, headers=_HEADERS)
