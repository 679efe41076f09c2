"""The daemon: finds pulsers, keeps their clocks, runs rooms, serves controllers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    # Looked up when it is asked for: most commands never do, and whoever typed one waits.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("twintap")
    except PackageNotFoundError:  # run from its sources, without having been installed
        found = "0"
    globals()["__version__"] = found
    return found
