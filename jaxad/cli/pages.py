"""The help of all verbs: commands to copy first, then what they do, then options.

Every line of the examples is a command that works; the tests run each of them.
"""

from typing import NamedTuple


class Page(NamedTuple):
    """examples: commands, their comments after `#`. about: what the verb does.
    options: groups of options that no parser of ours knows, as they are shown."""

    examples: str
    about: str
    options: str = ""

    @property
    def text(self) -> str:
        parts = (f"examples:\n{self.examples}", self.about, self.options)
        return "\n".join(part for part in parts if part) + "\n"


MAIN = Page(
    """\
  jaxad train                        # digits, no download: pictures in runs/default
  jaxad train --dry-run              # sizes, memory and time of that, before it runs
  jaxad score runs/default images    # scores of the images in a folder
  jaxad sweep --grid optim.lr=1e-2,1e-3 --out runs/rates
""",
    """\
Image anomaly detection with autoencoders, in JAX.

usage: jaxad VERB ... [--quiet] [--json] [--debug]

  train [CONFIG] [options]         train, score, threshold, measure and draw a run
  sweep [CONFIG] [options]         train a grid of configs and rank them
  score RUN IMAGES...              score new images, or folders of them, with a run
  export RUN                       a run as StableHLO, which runs with jax alone
  report RUN [RUN ...]             tables, pictures and an HTML page of runs and sweeps
  data WHAT [NAME]                 prepare, verify and list data sets
  benchmark WHAT                   measure the speed of this machine
""",
    """\
`jaxad VERB --help` says more; `jaxad train [CONFIG] --help` lists every option of the
config and its value.

options of all verbs:
  --quiet     errors only: no progress, and nothing on stdout
  --json      stdout is one JSON document; progress and errors stay on stderr, and an
              error is in the document as well
  --debug     the traceback of an error
  --version   the version

exit codes: 0 done, 1 unexpected, 2 config, 3 data, 4 checkpoint or artefact,
5 diverged, 6 folder in use, 7 processes, 75 stopped after saving (start again with
--resume)
""",
)

_PROCESSES = """\
several processes that work on one folder (SLURM, Cloud TPU, Kubernetes: found without):
  --coordinator HOST:PORT   of process 0
  --processes N             their number
  --process K               the number of this one, from 0

options of all verbs:
  --quiet, --json, --debug  see `jaxad --help`
"""

TRAIN = Page(
    """\
  jaxad train                                    # digits: needs no download
  jaxad train --dry-run                          # sizes, memory, time; writes nothing
  jaxad train --model.kind conv --train.epochs 60 --out runs/conv
  jaxad train --model.kind conv --train.epochs 60 --out runs/conv --resume
""",
    """\
Trains the model of a config, scores the test images, fits thresholds on validation
data, measures, draws, and leaves all of it in a run folder.

CONFIG is a .py file that exposes `config` (it is executed), or a .json file; without
one, the embedded default. Every value of it can be changed by an option; see below.
""",
    """\
the run:
  --out DIR                 its folder; by default runs/<name>
  --resume                  go on with the run that is there
  --track NAME[,NAME]       tensorboard or wandb: follow the run there as well
  --profile                 trace one segment of the training into the folder's
                            profile/, for Perfetto and XProf

before the run:
  --dry-run                 what would happen: config, images, model, memory, time
  --full-config             with --dry-run: every value, not only what was changed

"""
    + _PROCESSES,
)

SWEEP = Page(
    """\
  jaxad sweep --grid optim.lr=1e-2,1e-3 --out runs/rates
  jaxad sweep --grid model.latent_dim=8,16 --grid optim.lr=1e-2,1e-3 --dry-run
  jaxad sweep --draw optim.lr=1e-4:.1:log --samples 8 --halve 2 --out runs/r
  jaxad sweep --draw optim.lr=1e-4:.1:log --samples 8 --halve 2 --out runs/r --resume
""",
    """\
Trains every combination of values, many in one compiled program, ranks the settings on
validation data, and measures the best on the test, once.

CONFIG is a .py file that exposes `config` and maybe `grid` (it is executed), or a
sweep's grid.json; without one, the embedded default.
""",
    """\
the grid:
  --grid NAME=V,V,...       an axis; those given here take the place of the file's, but
                            data sets, folders and categories come beside them. A value
                            of several numbers is written 256:64
  --draw NAME=LOW:HIGH[:log]  random search, with --samples N
  --seeds N, --folds N      repeat each setting
  --halve N [--halve-from EPOCHS]  go on with the best 1/N of the settings only, again
                            and again

the ranking:
  --rank CRITERION          auroc, average_precision, difference or val_loss
  --rank-score SCORE        of this score
  --each NAME               the best for each value of an axis
  --every True              every setting on the test, for curves
  --ensemble K              how many settings the ensemble joins

how it runs:
  --execution HOW           auto, vmap, map or loop
  --members N               so many at a time
  --memory-gb X             what a chunk may take

the sweep:
  --out DIR                 its folder; by default runs/<name>
  --resume                  go on with the sweep that is there
  --track NAME[,NAME]       tensorboard or wandb: follow the best run there as well
  --dry-run                 what would happen: members, programs, memory, time
  --full-config             with --dry-run: every value, not only what was changed

"""
    + _PROCESSES,
)

SCORE = Page(
    """\
  jaxad score runs/default image.png
  jaxad score runs/default images --maps --out scored
  jaxad score runs/default images --threshold 0.012   # chosen with the report's slider
  jaxad score runs/default images --json
""",
    """\
Scores new images with a finished run or its artefact, and calls them by its thresholds:
scores.csv, and with --maps where in each image the anomaly is.
""",
)

EXPORT = Page(
    """\
  jaxad export runs/default
  jaxad export runs/default --out artefact
  jaxad score artefact images
""",
    """\
Writes a finished run as StableHLO programs that jax alone runs, on CPU, CUDA and TPU,
of any number of images; keeps them only where they agree with the run.
""",
)

REPORT = Page(
    """\
  jaxad report runs/default
  jaxad report runs/default runs/conv --markdown
""",
    """\
Prints the tables of runs and sweeps again, and makes their pictures and pages anew;
of several, a page that compares them.
""",
)

DATA = Page(
    """\
  jaxad data list
  jaxad data prepare mnist --source downloads    # a folder with the four IDX files
  jaxad data textures textures                   # images with defects, made here
  jaxad data verify textures --category brick
""",
    """\
Makes data sets ready, checks them and folders of images, and lists them.
JAXAD_DATA_DIR says where prepared data are kept.
""",
)

BENCHMARK = Page(
    """\
  jaxad benchmark auroc
  jaxad benchmark train --out speed.json    # beside PyTorch: pip install 'jaxad[bench]'
  jaxad benchmark throughput                # on a GPU: grids, bfloat16, torch.compile
""",
    """\
Measures the speed of this machine beside other packages, in pairs of timings.
""",
)
