# It imports Atheris, which maintainers install by hand.
collect_ignore = ["atheris_decoders.py"]
