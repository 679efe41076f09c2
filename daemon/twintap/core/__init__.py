"""The pure core: it decides, and touches neither socket, clock nor disk."""
