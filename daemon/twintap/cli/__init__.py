"""The command line. 0 done, 1 failed, 2 used wrongly; whatever fails says so in one sentence on stderr."""

import asyncio
import sys

from twintap_protocol.errors import TwintapError

from .arguments import parse


def main(arguments: list[str] | None = None) -> int:
    """Run one command; give its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] in (["board"], ["flash"]):
        from .becoming import become

        return become(f"twintap_{given[0]}", f"twintap {given[0]}", given[1:])
    options = parse(given)
    try:
        return asyncio.run(options.run(options))
    except TwintapError as error:
        print(f"twintap: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # Watching ends like this; anything else was broken off.
        return 0 if options.endless else 1
    except BrokenPipeError:
        # Whoever read the output has had enough.
        sys.stderr.close()
        return 0 if options.endless else 1
