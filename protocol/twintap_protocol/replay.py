"""The replay window: RFC 6479's sliding window over 30-bit counters.

A sealed frame carries a counter that its sender never repeats under one key. The network may reorder frames
and may deliver one twice, and an attacker may deliver one again later. The window remembers which of the
newest counters were seen and takes everything older for a replay.

RFC 6479 avoids the shifting bitmap of RFC 4303: the bitmap is a ring of words, one more than the window
needs, and going forward clears whole words instead of shifting bits. The words here are the bytes of a
bytearray, so nothing is allocated after construction and no number leaves 30 bits, on either VM.
"""

from .errors import LocalError

COUNTER_END = 1 << 30  # the first counter that may not be used: one more would be a big integer on the chip
WINDOW_SIZE = 64  # counters. At most a few tens of frames are in the air at once, even on bad air
_MAX_SIZE = 8192  # counters; a kilobyte of bitmap
_WORD_SHIFT = 3  # 8 counters a word
_WORD_MASK = 7


class ReplayWindow:
    """Remembers which counters of one key, in one direction, have been seen.

    `size` is how many counters back from the highest one seen are told apart: a multiple of 8 from 8 to
    8192, else LocalError. A new key needs a new window.

    `highest` is the highest counter accepted so far, or -1 before the first.
    """

    def __init__(self, size: int = WINDOW_SIZE) -> None:
        if not 8 <= size <= _MAX_SIZE or size & _WORD_MASK:
            raise LocalError(
                "replay window is %d counters; it must be a multiple of 8, 8 to %d" % (size, _MAX_SIZE)
            )
        self.size = size
        self.highest = -1
        self._word_count = (size >> _WORD_SHIFT) + 1
        self._words = bytearray(self._word_count)

    def check(self, counter: int) -> bool:
        """Tell whether `counter` may still be new. Changes nothing, and costs little.

        Ask before the frame is opened: a replay is then refused without any AES. False for a counter that
        was accepted before, for one older than the window, and for one outside 0 to `COUNTER_END` - 1.
        """
        if counter < 0 or counter >= COUNTER_END:
            return False
        if counter > self.highest:
            return True
        if self.highest - counter >= self.size:
            return False
        word = self._words[(counter >> _WORD_SHIFT) % self._word_count]
        return not (word >> (counter & _WORD_MASK)) & 1

    def accept(self, counter: int) -> None:
        """Mark `counter` as seen. Call it only for a frame whose tag was right.

        Marking before that would let a forged frame with a high counter shut out every true one. Raises
        LocalError for a counter that `check` refuses; the window is then unchanged.
        """
        if not self.check(counter):
            raise LocalError("counter %d was accepted, and check() refuses it" % counter)
        word_count = self._word_count
        word_index = counter >> _WORD_SHIFT
        if counter > self.highest:
            # Clear the words that the window enters: all of the ring at most, however far the jump.
            entered = word_index - (self.highest >> _WORD_SHIFT)
            if entered > word_count:
                entered = word_count
            for back in range(entered):
                self._words[(word_index - back) % word_count] = 0
            self.highest = counter
        self._words[word_index % word_count] |= 1 << (counter & _WORD_MASK)
