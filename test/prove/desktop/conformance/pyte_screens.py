"""The screens of pyte after streams of octets: [[columns, rows, file], ...] on standard input, one list of rows of [characters, look] a line on standard output."""
import json
import sys

import pyte
from pyte.modes import DECSCNM

names = ["black", "red", "green", "brown", "blue", "magenta", "cyan", "white"]
indices = {name: index for index, name in enumerate(names)}
indices.update({"bright" + name: 8 + index for index, name in enumerate(names)})
# Names that differ between its releases, one of them by a slip.
indices.update({"yellow": 3, "brightyellow": 11, "bfightmagenta": 13})

def colour_of(value):
    if value == "default":
        return "d"
    return str(indices[value]) if value in indices else "#" + value


def look_of(cell, is_reversed):
    flags = [cell.bold, cell.italics, cell.underscore, cell.reverse != is_reversed]
    return [int(flag) for flag in flags] + [colour_of(cell.fg), colour_of(cell.bg)]


def by_number(attributes):
    """SGR with the bright colours as `38;5;N`; what already is a colour of many is left as it is."""
    rest = list(attributes)
    while rest:
        one = rest.pop(0)
        if one in (38, 48):
            count = 2 if rest[:1] == [5] else 4
            yield from [one, *rest[:count]]
            del rest[:count]
        elif 90 <= one <= 97 or 100 <= one <= 107:
            yield from (38, 5, one - 82) if one < 100 else (48, 5, one - 92)
        else:
            yield one


class Screen(pyte.Screen):
    """
    Its own breaks on private sequences that end in m, which are settings of the keyboard (xterm, "modifyOtherKeys"); has the eight bright colours as bold ones, where here they are chosen by number;
    and erases the display only where something was written, which leaves the ground of the rest as it was.
    """

    def erase_in_display(self, how=0, *arguments, **named):
        for line in (self.buffer[row] for row in range(self.lines)):
            line.update({column: line[column] for column in range(self.columns)})
        super().erase_in_display(how, *arguments, **named)

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*by_number(attributes))


for columns, rows, path in json.load(sys.stdin):
    screen = Screen(columns, rows)
    stream = pyte.Stream(screen)
    # Where it decodes UTF-8 itself it leaves out the line-drawing set, which terminals have beside it (ESC ( 0).
    stream.use_utf8 = False
    try:
        with open(path, "rb") as file:
            stream.feed(file.read().decode("utf-8", "replace"))
        # It turns each cell over where the whole screen is (DECSCNM).
        is_reversed = DECSCNM in screen.mode
        cells = [[[screen.buffer[row][column].data, look_of(screen.buffer[row][column], is_reversed)] for column in range(columns)] for row in range(rows)]
    except Exception as error:  # It does not survive every sequence: that is told as what it is.
        cells = str(error) or type(error).__name__
    print(json.dumps(cells), flush=True)
