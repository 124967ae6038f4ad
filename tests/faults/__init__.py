"""Faults for real: processes killed, wires cut, databases gone, clocks wrong; then the count.

`make test` runs each in a short form, `make faults` the whole.
"""

from __future__ import annotations

import os

WHOLE = os.environ.get("FAULTS") == "whole"
"""Whether to run each fault at its full length."""
