"""Run the command line: `python -m tagifai`."""

import sys

from tagifai.cli.parser import main

sys.exit(main())
