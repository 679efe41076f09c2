"""The light: a few patterns, each with one meaning. Time in, colour out.

No pattern flashes thrice a second; nor do patterns that follow one another, however fast a charger's contact
or a buzz comes and goes: a light that has come on or changed does not do so again for CALM_MS.

    identify     the room's colour, bright, as long as the buzz; a selftest's white looks the same
    in a set     dark: nothing distracts
    safe mode    three red blinks every 3 s (`safe` does that by itself)
    charging     amber, dim and steady; green when it is full
    low battery  two short amber blinks every 10 s, over whatever else is shown
    unpaired     white, 1 s in 4
    looking      the room's colour, slowly up and down: no network yet, or no daemon
    linked       the room's colour, dim, for 5 s; then a short blink every 10 s
    going        dark: about to sleep

A light of one colour is on and off in the same rhythms; up and down becomes half a second in two.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port_contract import Port

OFF = "off"
IDENTIFY = "identify"
CHARGING = "charging"
FULL = "full"
UNPAIRED = "unpaired"
LOOKING = "looking"
LINKED = "linked"

CALM_MS = 340
_DARK = (0, 0, 0)
_WHITE = (255, 255, 255)
_AMBER = (255, 110, 0)
_GREEN = (0, 255, 0)
_DIM = 4  # a quarter of full is bright enough in a quiet room
_BLINK_MS = 120
_LOW_EVERY_MS = 10_000
_LOW_SECOND_MS = 400  # from the first blink to the second
_LINKED_STEADY_MS = 5_000
_BREATH_MS = 4_000
_BREATH_STEPS = 8


def colour_of(
    pattern: str, at_ms: int, room: "tuple[int, int, int]", is_low: bool, has_colour: bool
) -> "tuple[int, int, int]":
    """What the light shows `at_ms` after `pattern` began; `room` is the room's colour, black for none.

    `is_low`: the battery is low, which is shown over every pattern but off, identify and charging.
    """
    if pattern == OFF:
        return _DARK
    if room == _DARK:
        room = _WHITE
    if pattern == IDENTIFY:
        return room
    if pattern == CHARGING:
        return _dimmed(_AMBER, _DIM)
    if pattern == FULL:
        return _dimmed(_GREEN, _DIM)
    if is_low:
        # Instead of the other blinks, not among them: two rhythms in one could come to too many flashes.
        within_ms = at_ms % _LOW_EVERY_MS
        is_on = within_ms < _BLINK_MS or 0 <= within_ms - _LOW_SECOND_MS < _BLINK_MS
        return _dimmed(_AMBER, _DIM) if is_on else _DARK
    if pattern == UNPAIRED:
        return _dimmed(_WHITE, _DIM) if at_ms % 4_000 < 1_000 else _DARK
    if pattern == LOOKING:
        if not has_colour:
            return room if at_ms % 2_000 < 500 else _DARK
        within_ms = at_ms % _BREATH_MS
        up_ms = within_ms if within_ms < _BREATH_MS // 2 else _BREATH_MS - within_ms
        return _scaled(room, 1 + up_ms * _BREATH_STEPS // (_BREATH_MS // 2), (_BREATH_STEPS + 1) * _DIM)
    if at_ms < _LINKED_STEADY_MS:
        return _dimmed(room, _DIM)
    return _dimmed(room, _DIM) if at_ms % _LOW_EVERY_MS < _BLINK_MS else _DARK


def _dimmed(colour: "tuple[int, int, int]", by: int) -> "tuple[int, int, int]":
    return _scaled(colour, 1, by)


def _scaled(colour: "tuple[int, int, int]", part: int, whole: int) -> "tuple[int, int, int]":
    return colour[0] * part // whole, colour[1] * part // whole, colour[2] * part // whole


class Light:
    """Shows patterns on the port's light. `pattern` is the one that is shown, by name."""

    def __init__(self, port: "Port", has_colour: bool) -> None:
        self.pattern = OFF
        self._port = port
        self._has_colour = has_colour
        self._at_ms = 0
        self._last_ms = port.ticks_ms()
        self._shown = _DARK
        self._room = _DARK
        self._is_low = False
        self._calm_ms = CALM_MS  # since the light came on or changed; counted up to CALM_MS

    def show(self, pattern: str, room: "tuple[int, int, int]", is_low: bool) -> None:
        """Shows `pattern` as it is at this moment; to be called every 50 ms or so, and never near an edge."""
        self._count()
        is_other = pattern != self.pattern or room != self._room or is_low != self._is_low
        at_ms = 0 if is_other else self._at_ms
        colour = colour_of(pattern, at_ms, room, is_low, self._has_colour)
        if colour != _DARK and (is_other or self._shown == _DARK):
            if self._calm_ms < CALM_MS:
                return  # one flash too many: it stays as it is until then
            self._calm_ms = 0
        self.pattern = pattern
        self._room = room
        self._is_low = is_low
        self._at_ms = at_ms
        if colour != self._shown:
            self._shown = colour
            self._port.set_light(colour[0], colour[1], colour[2])

    def _count(self) -> None:
        now_ms = self._port.ticks_ms()
        passed_ms = (now_ms - self._last_ms) & 0x3FFFFFFF
        self._last_ms = now_ms
        self._calm_ms = min(CALM_MS, self._calm_ms + passed_ms)
        # Counted on: a clock that comes round must not begin a pattern anew.
        self._at_ms += passed_ms
        if self._at_ms > 20_000_000:
            self._at_ms -= 10_000_000
