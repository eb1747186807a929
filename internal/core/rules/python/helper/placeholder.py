"""Placeholders stand for the payload, the checklist and all that is found in them while a rule is only tried.

They answer each question with another placeholder that says where it comes from, so that what the rule does with it can be read in
the arguments of the workers it returns: <payload[host]>.
"""

import sys


class Assume:
    """How "is it there?" is answered."""

    everything = True


def bare(text):
    return str.replace(str.replace(str(text), "<", ""), ">", "")


def child(of, text):
    return placeholder("<" + bare(of) + text + ">")


class placeholder(str):
    """Text, as far as others see it. Every attribute and every key is there."""

    def __getattribute__(self, name):
        if name.startswith("__"):
            return super().__getattribute__(name)
        found = placeholder_attribute("<" + bare(self) + "." + name + ">")
        found.__of__, found.__asked__ = self, name
        return found

    def __getitem__(self, key):
        return child(self, "[{}]".format(bare(key)))

    def __contains__(self, key):
        return Assume.everything

    def __iter__(self):
        return iter([child(self, "[0]")])

    def __len__(self):
        return 1

    def __bool__(self):
        return Assume.everything

    def __format__(self, spec):
        return str(self)

    def __add__(self, other):
        return placeholder(str(self) + str(other)) if isinstance(other, str) else self

    def __radd__(self, other):
        return placeholder(str(other) + str(self)) if isinstance(other, str) else self

    def __sub__(self, other):
        return self

    __rsub__ = __mul__ = __rmul__ = __truediv__ = __mod__ = __sub__


class placeholder_attribute(placeholder):
    """An attribute, or a method before it is called."""

    def __call__(self, *args, **kwargs):
        of, name = self.__of__, self.__asked__
        if name in ("startswith", "endswith", "isdigit"):
            return Assume.everything
        if name == "items":
            return [(child(of, ".key"), child(of, "[0]"))]
        if name == "get" and args:
            if Assume.everything:
                return of[args[0]]
            return args[1] if len(args) > 1 else None
        return child(of, "." + name)


def today_for_placeholders():
    """Have arrow, if the rules use it, take today for a placeholder: what it computes from that can be shown."""
    arrow = sys.modules.get("arrow")
    get = getattr(arrow, "get", None)
    if get is None or getattr(get, "for_placeholders", False):
        return

    def get_or_today(*args, **kwargs):
        if any(isinstance(a, placeholder) for a in args):
            return arrow.now().floor("day")
        return get(*args, **kwargs)

    get_or_today.for_placeholders = True
    arrow.get = get_or_today
