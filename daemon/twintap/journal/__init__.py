"""The journal: everything that happened, in the order in which it was kept, never edited."""
