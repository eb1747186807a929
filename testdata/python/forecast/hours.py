"""Part of the rules: a module of their own."""


def hours(config, run):
    return config["run hours"][run]
