"""What holds for the tests of the protocol."""

from hypothesis import settings

# A machine may be busy; how long an example takes says nothing about what it shows.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
