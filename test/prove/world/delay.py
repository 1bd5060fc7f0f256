"""A cable with a length: two TUN interfaces in two network namespaces, and every packet comes out of the other one so many milliseconds later.

The kernel this is built on has no netem. `delay.py NAMESPACE INTERFACE NAMESPACE INTERFACE MILLISECONDS`; says `ready` and runs until it is killed.
"""
import collections, ctypes, fcntl, os, select, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x40000000, 0x400454CA, 0x0001, 0x1000


def open_tun(namespace, name):
    place = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(place, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(place)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22s", name.encode(), IFF_TUN | IFF_NO_PI, b""))
    return tun


def main():
    ends = [open_tun(sys.argv[1], sys.argv[2]), open_tun(sys.argv[3], sys.argv[4])]
    delay = float(sys.argv[5]) / 1000
    queues = {ends[0]: collections.deque(), ends[1]: collections.deque()}
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    print("ready", flush=True)
    while True:
        due = [queue[0][0] for queue in queues.values() if queue]
        wait = max(0, min(due) - time.monotonic()) if due else None
        for end in select.select(ends, [], [], wait)[0]:
            try:
                packet = os.read(end, 65536)
            except (BlockingIOError, OSError):
                continue
            queues[other[end]].append((time.monotonic() + delay, packet))
        now = time.monotonic()
        for end, queue in queues.items():
            while queue and queue[0][0] <= now:
                try:
                    os.write(end, queue.popleft()[1])
                except OSError:
                    pass  # the interface is down: so is the cable


main()
