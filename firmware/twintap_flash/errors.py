"""What can go wrong between this computer and the chip on the cable."""

from twintap_protocol.errors import TwintapError


class FlashError(TwintapError):
    """The chip could not be looked at, written or started; `code` is for programs, the text says what to do.

    Codes: `port` (it cannot be opened), `silent` (no chip answers), `lost` (the cable went while at work),
    `chip` (one that is not supported), `board`, `image`, `no_image`, `build` (the firmware here), `write`
    (what arrived is not what was sent), `room` (the chip's file system is full), `start` (the firmware came,
    and does not run).
    """

    def __init__(self, code: str, message: str) -> None:
        """Take one of the codes above, and one or two sentences."""
        super().__init__(message)
        self.code = code


class NoAnswer(FlashError):
    """The chip said nothing that could be understood, in time."""

    def __init__(self, message: str) -> None:
        """Take the sentence; the code is `silent`."""
        super().__init__("silent", message)


class CableLost(FlashError):
    """The port went away while it was in use."""

    def __init__(self, port: str) -> None:
        """Take the port's name."""
        super().__init__("lost", f"the cable at {port} was lost; plug it in and run the command again")
