"""What leaves the journal: JSON lines, CSV, BIDS, a printed report. Pure: entries in, text out, no disk."""
