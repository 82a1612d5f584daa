"""`python -m bench.inside <module>`: run a module's `main` with Django set up."""

import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup(set_prefix=False)
    name = sys.argv.pop(1)
    import_module(name).main()
