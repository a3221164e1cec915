"""All tests: gradients in float64, and a CPU of two devices."""

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 2)


def pytest_configure(config):
    group = "xdist_group(name): tests that share programs, for one process"
    config.addinivalue_line("markers", group)
