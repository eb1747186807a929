"""The user's modules: always compiled from their source, watched by the manager, and put back if the new ones fail."""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import linecache
import os
import re
import sys
import sysconfig
import time

SETTLING = 0.1  # seconds within which a file may change again and keep its time
LIBRARY = sysconfig.get_paths()["stdlib"] + os.sep


class Modules:
    """The rules and what they import of the user's own."""

    def __init__(self):
        self.name = ""  # of the rules
        self.rules = None
        self.directory = None  # of rules that are in no package
        self.files = {}  # file: what it was when it was read
        self.sources = {}  # module: [file, text], of what was loaded
        self.kept = {}  # the same, to use in place of what is on the disk
        self.told = True  # the manager knows of all files

    def owns(self, name, file):
        """Tell whether a module is one of the user's that are loaded again."""
        if name == self.name or name.split(".")[0] == self.name.split(".")[0]:
            return True
        if self.directory is None or not file:
            return False
        inside = os.path.relpath(file, self.directory).split(os.sep)
        return not {os.pardir, "site-packages", "dist-packages"}.intersection(inside) and not file.startswith(LIBRARY)

    def load(self, name, kept):
        """Import the rules afresh. If that fails, everything is as it was before."""
        before = (self.rules, self.files, self.sources, self.kept)
        old = {m: module for m, module in list(sys.modules.items()) if self.owned_module(m, module)}
        for m in old:
            del sys.modules[m]
        # What was kept stays to the next load, and so does what of it is imported by a call only.
        self.name, self.kept, self.sources = name, kept, dict(kept)
        self.files = {file: {"file": file} for file, _ in kept.values()}
        importlib.invalidate_caches()
        try:
            rules = importlib.import_module(name)
            if not any(n.startswith("after_") for n in vars(rules)):
                raise ImportError("there is no after_ function in it", name=name, path=rules.__file__)
            self.rules = rules
        except BaseException as e:
            e.files = dict(self.files, **{file: {"file": file} for file in self.missed(e)})
            self.rules, self.files, self.sources, self.kept = before
            for m in [m for m, module in list(sys.modules.items()) if self.owned_module(m, module)]:
                del sys.modules[m]
            sys.modules.update(old)
            for file, text in self.sources.values():
                remember_lines(file, text)
            raise
        finally:
            self.told = True

    def missed(self, e):
        """Return the files that would be the module an import did not find, if it is one of ours: it may come yet."""
        if not isinstance(e, ImportError) or not e.name:
            return []
        name = e.name
        member = re.match(r"cannot import name '(\w+)'", str(e))
        if member:
            name += "." + member.group(1)
        package, _, last = name.rpartition(".")
        if package:
            places = getattr(sys.modules.get(package), "__path__", []) if self.owns(package, None) else []
        else:
            places = [self.directory] if self.directory else []
        return [os.path.join(p, last + end) for p in places for end in (".py", "/__init__.py")]

    def owned_module(self, name, module):
        return bool(self.name) and self.owns(name, getattr(module, "__file__", None))

    def functions(self):
        return sorted(n[len("after_") :] for n, f in vars(self.rules).items() if n.startswith("after_") and callable(f))

    def read(self, name, file):
        """Return the bytes of a module's source, and note what the file was."""
        self.told = False
        kept, data = self.kept.get(name, (None, None))
        if kept != file:
            # The time is taken before the contents, so that a change in between is seen later as one.
            stat = os.stat(file)
            with open(file, "rb") as f:
                data = f.read()
            self.files[file] = {
                "file": file,
                "size": stat.st_size,
                "inode": stat.st_ino,
                "written": stat.st_mtime_ns,
                "settled": time.time() - stat.st_mtime > SETTLING,
                "sum": hashlib.sha256(data).hexdigest(),
            }
            if getpid() == HELPER:
                send({"read": self.files[file]})  # an import that never ends tells nothing later
        self.sources[name] = [file, data]
        remember_lines(file, data)
        return data


def remember_lines(file, data):
    """Have tracebacks show what was loaded, which is not always what is in the file now."""
    try:
        text = importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError):
        text = ""  # compiling it says what is wrong
    linecache.cache[file] = (len(data), None, text.splitlines(True), file)


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles the source: bytecode of a file that was changed within a second may be that of the text before."""

    def get_code(self, fullname):
        return self.source_to_code(self.get_data(self.path), self.path)

    def get_data(self, path):
        return modules.read(self.name, path) if path == self.path else super().get_data(path)


def kept_package(name):
    """Return the spec of a directory without __init__.py, by the kept modules in it."""
    for module, (file, _) in modules.kept.items():
        if module.startswith(name + "."):
            place = os.path.dirname(file) if os.path.basename(file) == "__init__.py" else file
            for _ in range(module.count(".") - name.count(".")):
                place = os.path.dirname(place)
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations.append(place)
            return spec
    return None


class Finder:
    """Gives the user's modules our loader, and finds those that were kept: their files may be gone."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = None
        if name in modules.kept:
            spec = importlib.util.spec_from_file_location(name, modules.kept[name][0])
        for finder in sys.meta_path:  # all the others: an editable installation has one of its own
            if finder is not Finder and spec is None and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
        if spec is None:
            return kept_package(name)
        if type(spec.loader) is not importlib.machinery.SourceFileLoader:
            return spec
        if name == modules.name and "." not in name:
            modules.directory = os.path.dirname(spec.origin)
        if modules.owns(name, spec.origin):
            spec.loader = Loader(name, spec.origin)
            spec.cached = None
        return spec


modules = Modules()
sys.meta_path.insert(0, Finder)
