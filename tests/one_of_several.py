"""The command `jaxad` without its pictures, which take seconds: for tests that start
many processes."""

import sys

import jaxad.run
from jaxad.cli import main
from jaxad.search import measuring

jaxad.run.draw = lambda path: []
measuring.draw_sweep = lambda path: []
sys.exit(main())
