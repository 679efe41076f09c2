"""Sessions over rooms: a desk that opens and closes visits, and has all that happens kept in the journal."""
