"""The daemon: finds pulsers, keeps their clocks, runs rooms, serves controllers."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("twintap")
except PackageNotFoundError:  # run from its sources, without having been installed
    __version__ = "0"
