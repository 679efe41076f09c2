"""The doctor: what keeps this computer and its pulsers from working together, a line each, with what to do.

`facts` is what was found, `judge_…` says what it means and does nothing else, `look_…` asks the system.
"""
