"""Put the repository root on the import path, so that tests import `meshd` and `tests.helpers` from this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
