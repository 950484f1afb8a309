"""Nothing that a test writes lands outside the checkout."""

import os
from pathlib import Path

from binpack.system import use_private_folders

ROOT = Path(__file__).resolve().parent.parent

use_private_folders(ROOT)
(ROOT / ".cache" / "tmp").mkdir(parents=True, exist_ok=True)
os.environ["PYTEST_DEBUG_TEMPROOT"] = str(ROOT / ".cache" / "tmp")
