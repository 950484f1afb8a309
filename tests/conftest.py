"""Nothing that a test writes lands outside the checkout."""

import os
from pathlib import Path

import build

ROOT = Path(__file__).resolve().parent.parent

build.use_checkout_cache(ROOT)
(ROOT / ".cache" / "tmp").mkdir(parents=True, exist_ok=True)
os.environ["PYTEST_DEBUG_TEMPROOT"] = str(ROOT / ".cache" / "tmp")
