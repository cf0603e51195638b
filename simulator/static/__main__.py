"""``python -m simulator.static``."""

import sys

from simulator.static.server import main

if __name__ == "__main__":
    sys.exit(main())
