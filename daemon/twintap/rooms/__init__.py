"""Rooms: a pair, its set, everyone who watches or controls it; and the hub, which has them all."""
