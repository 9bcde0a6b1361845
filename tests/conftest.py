"""Ctrl-C must reach what tests start: a shell that runs pytest in the background ignores it, and children inherit that."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
