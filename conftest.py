"""Put the repository root on the import path, so that tests import `meshd` and `tests.helpers` from this checkout; set up hypothesis."""

import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parent

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

settings.register_profile("meshd", deadline=None)  # how long an example takes says more of the machine than of the code
settings.load_profile("meshd")
