"""Every number that both ends must agree on, each with its reason, in one place.

Times end in their unit. Levels are basis points (`_bp`): 0 .. 10000, where 100 is 1 %.
"""

VERSION_MAJOR = 1
VERSION_MINOR = 1

# --- frames -----------------------------------------------------------------------------------------------
MAX_FRAME = 256  # fits any path's MTU many times over and a pulser's fixed buffer
COUNTER_MAX = (1 << 30) - 1  # past 30 bits the pulser's integers allocate; 100 frames/s last 124 days
REPLAY_WINDOW = 64  # radios reorder by a few frames, never by tens
MAX_STAMPS = 8  # probe stamps in one report: one burst

# --- links ------------------------------------------------------------------------------------------------
HELLO_RETRY_MS = 500  # first wait after an unanswered hello; doubles
HELLO_RETRY_MAX_MS = 5_000  # a moved pulser has to be found again within 5 s
LINK_SILENT_MS = 3_000  # idle keep-alives come every second: three lost in a row is a lost link
KEEPALIVE_MS = 1_000  # the idle lease's rhythm
LINK_SILENT_DROWSY_MS = 15_000  # of a drowsy pulser, whose radio sleeps between beacons: three lost in a row
KEEPALIVE_DROWSY_MS = 4_000  # each sign of life wakes the radio; firewalls keep the road open for longer
DROWSY_NOTICE_MS = 3_000  # how long a pulser says that it gets drowsy, at its usual beat, before it does
HANDSHAKE_IN_SET_MS = 5_000  # in a set, at most one handshake frame is looked at in this time
PENDING_LINKS = 4  # welcomed but unproved links kept per pulser: a replayed hello must push out no real one

# --- the lease --------------------------------------------------------------------------------------------
LEASE_MS = 1_000  # longest vibration without a word from the daemon
LEASE_RENEW_MS = 100  # bad air loses 5 %: eight in a row must be lost before a set stops for nothing
PULSER_SILENT_MS = 600  # the daemon stops a room whose pulser was silent this long, ahead of its lease
REPORT_IN_SET_MS = 100  # the pulser's answer to the lease's rhythm

# --- repeats until acknowledged ---------------------------------------------------------------------------
REPEAT_MS = (0, 5, 20, 40, 80, 160)  # after the last entry: every REPEAT_LAST_MS
REPEAT_LAST_MS = 160

# --- schedules --------------------------------------------------------------------------------------------
MAX_LEVEL_BP = 10_000
MIN_PERIOD_US = 249_900  # 4 Hz, on a clock that may be 400 ppm slow
MAX_PERIOD_US = 30_000_000  # breath pacing of two a minute; alternation stops at 0.1 Hz, in the daemon
MIN_WIDTH_US = 20_000  # shorter than this a small motor does not turn
MIN_RISE_US = 20_000  # never a step to full: a startle is the one thing a tap must not be
MAX_RAMP_MS = 10_000
MAX_SET_MS = 600_500  # ten minutes, and what a pulser's own clock may be wrong by in them
MAX_SET_PASSES = 2_500  # the longest set at 4 Hz has 2,400 passes, a few more on a clock that is slow
MAX_REF_AWAY_US = 120_000_000  # a reference lies near now, so that no product leaves 30 bits
SLEW_US = 1_000  # a corrected clock moves a pass by at most this; nobody feels 1 ms
LATE_SKIP_US = 20_000  # a pulse later than this is skipped and counted, never made up
LATE_EDGE_US = 2_000  # an edge later than this is counted as late
EARLY_US = 500  # an edge may be performed this much early; a wake-up before that was meant for something else
TAIL_US = 10_000  # the next pass is worked out this long ahead, so that its first edge is never late by it
STEP_US = 5_000  # duty changes inside a rise or a fall: finer than a motor follows
MAX_STEPS = 50
IDENTIFY_MAX_MS = 1_000
DEFAULT_CEILING_BP = 6_000
MIN_TRIM_BP = 2_500  # of two motors that differ by more than this one is broken
MAX_TRIM_BP = 10_000  # a trim lowers the stronger motor and raises none

# --- settings ---------------------------------------------------------------------------------------------
MAX_SSID = 32  # bytes, of any 802.11 network
MAX_PASSWORD = 64  # bytes: a passphrase has up to 63, a key in hex 64
MAX_NETWORKS = 3  # the clinic's, the office's, the phone's

# --- probes -----------------------------------------------------------------------------------------------
PROBE_BURST = 8
PROBE_FIRST_BURST = 16
PROBE_WARM_MS = 20_000  # after link-up: bursts every PROBE_WARM_EVERY_MS
PROBE_WARM_EVERY_MS = 1_000
PROBE_EVERY_MS = 2_000
PROBE_WAIT_MS = 4  # the socket is polled without sleep this long after each probe
EDGE_GUARD_US = 5_000  # no datagram is looked at this near to an edge
