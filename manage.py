#!/usr/bin/env python3
"""Command line of SIS Import: Django commands, beside the embedded PostgreSQL where no other is given."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
    from sisimport.command import main

    main(sys.argv)
