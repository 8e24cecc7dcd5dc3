"""What a run or a sweep would do, without a folder: sizes, shapes, memory, time.

The images are read, the programs compiled (and kept in the compilation cache, where the
run finds them), and some steps of the training are made, as the run itself makes them.
What would stop the run stops the dry run, with the same words.
"""
