"""Links: the daemon's ends of the pulsers' sealed channels, and the one UDP socket that carries them."""
