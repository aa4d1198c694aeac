#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: gstreamer.py FILE WIDTH HEIGHT OUTPUT

Converts a frame in I420, in the dma-buf of FILE, to RGB. The pipeline gets the dma-buf, not
a copy: elements that can import dma-bufs give it to their device.
"""
import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAllocators", "1.0")
gi.require_version("GstApp", "1.0")
# pylint: disable=wrong-import-position,unused-import
from gi.repository import Gst, GstAllocators, GstApp

import dmaheapfs


def wrap(frame):
    """Returns a buffer of GStreamer that is the dma-buf. It closes its own fd."""
    allocator = GstAllocators.DmaBufAllocator.new()
    memory = GstAllocators.DmaBufAllocator.alloc(allocator, os.dup(frame.fileno()), frame.size)
    buffer = Gst.Buffer.new()
    buffer.append_memory(memory)
    return buffer


def convert(frame, width, height, output):
    """Returns an error's text, or None."""
    pipeline = Gst.parse_launch(
        f"appsrc name=source caps=video/x-raw,format=I420,width={width},height={height},"
        "framerate=1/1 ! videoconvert ! video/x-raw,format=RGB ! filesink name=sink")
    pipeline.get_by_name("sink").set_property("location", output)
    source = pipeline.get_by_name("source")
    pipeline.set_state(Gst.State.PLAYING)
    source.emit("push-buffer", wrap(frame))
    source.emit("end-of-stream")
    message = pipeline.get_bus().timed_pop_filtered(
        60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message is None:
        return "no answer for a minute"
    return message.parse_error()[0].message if message.type == Gst.MessageType.ERROR else None


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    path, width, height, output = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    Gst.init(None)
    try:
        with dmaheapfs.export(path) as frame:
            sys.exit(convert(frame, width, height, output))
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")


main()
