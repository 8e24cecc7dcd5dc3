"""What two processes of two devices each make of work that one process did, as JSON.

Started by test_parallel.py, as `launch/local.py` starts any command, with the folder
that `many_devices` has worked in.
"""

import json
import sys
from pathlib import Path

import numpy as np
from many_devices import BASE, apart, on, read, swept, undrawn

import jaxad
from jaxad import environment, parallel
from jaxad.errors import ProcessError


def differing():
    """What processes say that have other images, or other code."""
    told = []
    identity = {"run": {}, "data": str(parallel.number())}
    code = environment._code
    for own, other in ((identity, code), (identity | {"data": ""}, parallel.number)):
        environment._code = other
        try:
            environment.check_same(own)
        except ProcessError as error:
            told.append(str(error))
    environment._code = code
    return told


if __name__ == "__main__":
    where = Path(sys.argv[1])
    undrawn()
    parallel.begin(None, None, None)
    told = {"differing": differing()}
    sweep = swept(where / "two", 4, 8).arrays["test"]
    told["sweep"] = apart(np.load(where / "one.npy"), sweep)
    state = jaxad.load_run(where / "streamFalse").state
    told["streamed"] = apart(state, read(where, True, "streamed").state)
    few = np.random.default_rng(0).random((3, 8, 8), np.float32)
    run = jaxad.train(on(BASE, 4), few, out=where / "few", quiet=True)
    told["few"] = len(run.scores["label"])
    every = parallel.agree(told["sweep"], told["streamed"], told["few"])
    told["same"] = bool((every == every[0]).all())
    print(json.dumps(told | {"devices": run.path.joinpath("env.json").read_text()}))
