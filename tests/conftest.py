"""All tests: gradients in float64, and a CPU of two devices."""

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 2)
