"""Swaps pairs of names as fast as it can, each pair in one step (renameat2(2) with RENAME_EXCHANGE), so that a name is always there and never the same for long.

`swap.py COUNTER NAME OTHER [NAME OTHER]...`: writes how often into the first 8 octets of the file COUNTER, little end first; says `ready` and runs until it is killed.
"""
import ctypes, mmap, os, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def main():
    names = [os.fsencode(name) for name in sys.argv[2:]]
    pairs = list(zip(names[::2], names[1::2]))
    with open(sys.argv[1], "r+b") as file:
        counter = mmap.mmap(file.fileno(), 8)
    print("ready", flush=True)
    swaps = 0
    while True:
        for name, other in pairs:
            if libc.renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_EXCHANGE) != 0:
                raise OSError(ctypes.get_errno(), "renameat2")
        swaps += len(pairs)
        struct.pack_into("<Q", counter, 0, swaps)


main()
