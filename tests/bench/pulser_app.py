# The pulser's own firmware, with two notes for the benchmarks on its flash: `boot.json`, when its simulated
# clock began (so that the truth is known), and `heap.json`, what each finished set has allocated. It runs in
# the board's VM in place of main.py, and adds nothing to the hot path.
import gc
import json
import sys

import twintap_pulser.app as app_module

real_make_port = app_module.make_port
real_app = app_module.App
apps = []


def note(name, values):
    with open(name, "w") as file:
        file.write(json.dumps(values))


def make_port(board):
    port = real_make_port(board)
    note(
        "boot.json",
        {"boot_us": port._boot_us, "offset_us": port._offset_us, "ppm_milli": port._ppm_milli},
    )
    return port


def make_app(port, board):
    app = real_app(port, board)
    apps.append(app)
    return app


class NotedGc:
    """In place of the module's `gc`: counts what was allocated between two of the firmware's collections."""

    def __init__(self):
        self.set_id = 0
        self.passes = 0
        self.first_pass = 0
        self.bytes = 0
        self.peak = 0
        self.unseen = 0
        self.after = gc.mem_alloc()

    def __getattr__(self, name):
        return getattr(gc, name)

    def collect(self):
        before = gc.mem_alloc()
        # The first collection comes before the application is put together.
        pacer = apps[0].pacer if apps else None
        if pacer is not None and pacer.set_id and pacer.leased:
            if pacer.set_id != self.set_id:
                # From the first collection inside a set: what its start allocates is not a pass's.
                self.set_id = pacer.set_id
                self.first_pass = pacer.pass_no
                self.bytes = self.peak = self.unseen = 0
            elif before < self.after:
                self.unseen += 1  # Python has collected by itself meanwhile
            else:
                self.bytes += before - self.after
            self.passes = pacer.pass_no - self.first_pass
            if before > self.peak:
                self.peak = before
            gc.collect()
            self.after = gc.mem_alloc()
            return
        gc.collect()
        if self.set_id:
            note(
                "heap.json",
                {
                    "passes": self.passes,
                    "bytes": self.bytes,
                    "peak_bytes": self.peak,
                    "held_bytes": self.after,
                    "unseen": self.unseen,
                    "heap_bytes": gc.mem_alloc() + gc.mem_free(),
                },
            )
            self.set_id = 0
        self.after = gc.mem_alloc()


app_module.make_port = make_port
app_module.App = make_app
app_module.gc = NotedGc()
app_module.run()
sys.exit(0)
