"""Run the command line: `python -m tagifai`."""

import sys

from tagifai.cli import main

sys.exit(main())
