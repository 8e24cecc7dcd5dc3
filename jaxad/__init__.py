"""jaxad: image anomaly detection with autoencoders, in JAX."""

__version__ = "0.1.0"
