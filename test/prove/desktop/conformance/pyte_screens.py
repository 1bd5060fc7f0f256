"""The screens of pyte after streams of octets: [[columns, rows, file], ...] on standard input, one list of rows of [characters, look] a line on standard output."""
import json
import sys

import pyte

names = ["black", "red", "green", "brown", "blue", "magenta", "cyan", "white"]
indices = {name: index for index, name in enumerate(names)}
indices.update({"bright" + name: 8 + index for index, name in enumerate(names)})
# Names that differ between its releases, one of them by a slip.
indices.update({"yellow": 3, "brightyellow": 11, "bfightmagenta": 13})

def colour_of(value):
    if value == "default":
        return "d"
    return str(indices[value]) if value in indices else "#" + value


def look_of(cell):
    flags = [cell.bold, cell.italics, cell.underscore, cell.reverse]
    return [int(flag) for flag in flags] + [colour_of(cell.fg), colour_of(cell.bg)]


class Screen(pyte.Screen):
    """Its own breaks on private sequences that end in m, which are settings of the keyboard (xterm, "modifyOtherKeys")."""

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*attributes)


for columns, rows, path in json.load(sys.stdin):
    screen = Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    try:
        with open(path, "rb") as file:
            stream.feed(file.read())
        cells = [[[screen.buffer[row][column].data, look_of(screen.buffer[row][column])] for column in range(columns)] for row in range(rows)]
    except Exception as error:  # It does not survive every sequence: that is told as what it is.
        cells = str(error) or type(error).__name__
    print(json.dumps(cells), flush=True)
