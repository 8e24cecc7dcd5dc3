"""The multiplications that a network needs."""

from typing import Any


def multiply_adds(params: Any, side: int) -> int:
    """Of one image of `side` x `side` forward, by a `Conv`, `Strided` or `Denoiser`.

    An up-sampled convolution is counted on the large grid.
    """
    if "encoder" in params:
        return _strided(params, side)
    if "encoder_0" in params:
        return _pooled(params, side)
    return sum(layer["kernel"].size for layer in params.values()) * side**2


def _pooled(params: Any, side: int) -> int:
    """Each block of the encoder halves the image, each of the decoder doubles it."""
    count = sum(name.startswith("encoder_") for name in params)
    total = params["output"]["kernel"].size * side**2
    for i in range(count):
        down, up = params[f"encoder_{i}"], params[f"decoder_{i}"]
        total += down["Conv_0"]["kernel"].size * (side // 2**i) ** 2
        total += up["Conv_0"]["kernel"].size * (side // 2 ** (count - i)) ** 2
    dense = [params[name] for name in ("latent", "from_latent") if name in params]
    return total + sum(layer["kernel"].size for layer in dense)


def _strided(params: Any, side: int) -> int:
    blocks, mirrored = params["encoder"], params["decoder"]
    total = params["latent"]["kernel"].size + mirrored["from_latent"]["kernel"].size
    count = len(blocks)
    for i in range(count):
        kernel = blocks[f"_Block_{i}"]["Conv_0"]["kernel"]
        total += kernel.size * (side // 2 ** (i + 1)) ** 2
    for i in range(count - 1):
        kernel = mirrored[f"_Block_{i}"]["Conv_0"]["kernel"]
        total += kernel.size * (side // 2 ** (count - 1 - i)) ** 2
    return total + mirrored["output"]["kernel"].size * side**2
