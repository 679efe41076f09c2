"""How a person comes to a room: offers to join, this daemon's own certificates, its machine's manners."""
