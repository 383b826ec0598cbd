"""Write docs/features.md: `python -m tests.features --write`; without the option it is printed."""

import sys

from tests.features.page import PAGE, current_page

if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(current_page())
    else:
        print(current_page(), end="")
