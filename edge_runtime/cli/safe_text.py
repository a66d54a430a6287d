"""Text of patients and strangers, made harmless for a terminal: nothing in it can move the cursor or turn the line.

Owns nothing: `edge_runtime.wording` says what is shown how, for pages as for screens.
"""

from __future__ import annotations

from edge_runtime.wording import safe

__all__ = ["safe"]
