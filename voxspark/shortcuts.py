"""Keys by name (`ctrl+alt+space`, `pause`, `rightctrl`), and how X11, the kernel and the desktop's portal call them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal, cast, get_args

Modifier = Literal["ctrl", "alt", "shift", "super"]
MODIFIERS: tuple[Modifier, ...] = get_args(Modifier)


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    name: str
    symbol: str
    """Its keysym by name, as xkbcommon and the portal spell it."""
    keysym: int
    """X11's number of the symbol (keysymdef.h, XF86keysym.h)."""
    code: int
    """The kernel's code (input-event-codes.h): a place on the keyboard, whatever the layout."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key, held together with exactly these modifiers."""

    modifiers: frozenset[Modifier]
    key: Key

    def __str__(self) -> str:
        return "+".join([*(each for each in MODIFIERS if each in self.modifiers), self.key.name])

    @property
    def trigger(self) -> str:
        """In the notation of the XDG shortcuts specification."""
        names = {"ctrl": "CTRL", "alt": "ALT", "shift": "SHIFT", "super": "LOGO"}
        return "+".join([*(names[each] for each in MODIFIERS if each in self.modifiers), self.key.symbol])


def _keys() -> dict[str, Key]:
    rows: list[tuple[str, str, int, int]] = []
    for first_code, letters in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm"), (2, "1234567890")):
        rows += [(letter, letter, ord(letter), first_code + place) for place, letter in enumerate(letters)]
    codes = [*range(59, 69), 87, 88, *range(183, 195)]
    rows += [(f"f{number}", f"F{number}", 0xFFBD + number, code) for number, code in enumerate(codes, 1)]
    return {row[0]: Key(*row) for row in (*rows, *_NAMED)}


_NAMED = (
    ("space", "space", 0x20, 57),
    ("tab", "Tab", 0xFF09, 15),
    ("enter", "Return", 0xFF0D, 28),
    ("escape", "Escape", 0xFF1B, 1),
    ("backspace", "BackSpace", 0xFF08, 14),
    ("insert", "Insert", 0xFF63, 110),
    ("delete", "Delete", 0xFFFF, 111),
    ("home", "Home", 0xFF50, 102),
    ("end", "End", 0xFF57, 107),
    ("pageup", "Page_Up", 0xFF55, 104),
    ("pagedown", "Page_Down", 0xFF56, 109),
    ("up", "Up", 0xFF52, 103),
    ("down", "Down", 0xFF54, 108),
    ("left", "Left", 0xFF51, 105),
    ("right", "Right", 0xFF53, 106),
    ("pause", "Pause", 0xFF13, 119),
    ("print", "Print", 0xFF61, 99),
    ("scrolllock", "Scroll_Lock", 0xFF14, 70),
    ("capslock", "Caps_Lock", 0xFFE5, 58),
    ("menu", "Menu", 0xFF67, 127),
    ("minus", "minus", 0x2D, 12),
    ("equal", "equal", 0x3D, 13),
    ("comma", "comma", 0x2C, 51),
    ("period", "period", 0x2E, 52),
    ("slash", "slash", 0x2F, 53),
    ("semicolon", "semicolon", 0x3B, 39),
    ("apostrophe", "apostrophe", 0x27, 40),
    ("grave", "grave", 0x60, 41),
    ("backslash", "backslash", 0x5C, 43),
    ("leftbracket", "bracketleft", 0x5B, 26),
    ("rightbracket", "bracketright", 0x5D, 27),
    ("leftctrl", "Control_L", 0xFFE3, 29),
    ("rightctrl", "Control_R", 0xFFE4, 97),
    ("leftalt", "Alt_L", 0xFFE9, 56),
    ("rightalt", "Alt_R", 0xFFEA, 100),
    ("leftshift", "Shift_L", 0xFFE1, 42),
    ("rightshift", "Shift_R", 0xFFE2, 54),
    ("leftsuper", "Super_L", 0xFFEB, 125),
    ("rightsuper", "Super_R", 0xFFEC, 126),
    ("playpause", "XF86AudioPlay", 0x1008FF14, 164),
    ("micmute", "XF86AudioMicMute", 0x1008FFB2, 248),
)

KEYS = _keys()

MODIFIER_KEYS: dict[Modifier, tuple[Key, Key]] = {
    each: (KEYS[f"left{each}"], KEYS[f"right{each}"]) for each in MODIFIERS
}

ALIASES = {
    "control": "ctrl",
    "meta": "super",
    "win": "super",
    "logo": "super",
    "altgr": "rightalt",
    "esc": "escape",
    "return": "enter",
    "ins": "insert",
    "del": "delete",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "printscreen": "print",
}


def parse_shortcut(text: str) -> Shortcut:
    """From `ctrl+alt+space`, in any case. Raises ValueError that names what there is."""
    names = [part.strip().lower() for part in text.split("+")]
    *modifiers, name = [ALIASES.get(each, each) for each in names]
    for each in modifiers:
        if each not in MODIFIERS:
            raise ValueError(f"{each or 'nothing'!r} is no modifier: these are {', '.join(MODIFIERS)}")
    if name in MODIFIERS:
        raise ValueError(f"{name!r} alone is no key: end with one, or name the side, left{name} or right{name}")
    if name not in KEYS:
        near = difflib.get_close_matches(name, KEYS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        letters = "a to z, 0 to 9, f1 to f24"
        others = ", ".join(each for each, *_ in _NAMED)
        raise ValueError(f"{name or 'nothing'!r} is no key: {hint}There are {letters}, {others}")
    return Shortcut(frozenset(cast(list[Modifier], modifiers)), KEYS[name])
