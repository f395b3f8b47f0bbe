"""A service manager's ear: prints each datagram on its socket as a line, and lets go of what came with it."""

import os
import socket
import sys

ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
print("listening", flush=True)
while True:
    words, descriptors, _, _ = socket.recv_fds(ear, 4096, 8)
    print(words.decode().strip().replace("\n", " | "), flush=True)
    for descriptor in descriptors:
        os.close(descriptor)
